"""The partition of nodes into clusters, kept up to date by clustering anew only what a change can have touched.

Why a part is enough: average link merges clusters that are each other's most similar, so a merge is right wherever
nothing else was more similar to either side. After clustering a region alone, an edge to the outside proves harmless
when it is weaker than every merge on both its sides and the two final clusters stay apart; where that fails, the region
widens. What remains is exactly the partition of the whole graph.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.changes import Verdict
from services.linkage.index.cluster import MUST, MUST_NOT, Clustering, Floats, Ints, agglomerate
from services.linkage.index.edges import Edges
from services.linkage.index.nodes import Moves, Nodes
from services.linkage.matching.arrays import NONE, Marks, distinct, grown, lengths, runs
from services.linkage.matching.model import Thresholds

Labels = NDArray[np.int32]

_NO_PAIRS: Final = np.zeros((0, 2), np.int64)


class Decisions:
    """What stewards decided about pairs of records; it outlives the records' absence."""

    def __init__(self) -> None:
        self._of: dict[UUID, dict[UUID, Verdict]] = {}

    def set(self, left: UUID, right: UUID, verdict: Verdict | None) -> None:
        """Decide a pair, or take the decision back."""
        if left == right:
            raise ValueError(f"A record cannot be decided against itself: {left}. Name two records.")
        for one, other in ((left, right), (right, left)):
            if verdict is None:
                self._of.get(one, {}).pop(other, None)
            else:
                self._of.setdefault(one, {})[other] = verdict

    def between(self, left: UUID, right: UUID) -> Verdict | None:
        """The verdict on a pair, if there is one."""
        return self._of.get(left, {}).get(right)

    def about(self, record: UUID) -> Mapping[UUID, Verdict]:
        """What is decided about a record, by the other record of each pair."""
        return self._of.get(record, {})

    def pairs_about(self, records: Iterable[UUID]) -> dict[tuple[UUID, UUID], Verdict]:
        """What is decided about some records, by pair, the smaller first."""
        return {
            (min(record, other), max(record, other)): verdict
            for record in records
            for other, verdict in self.about(record).items()
        }

    def concern(self, record: UUID) -> bool:
        """Is anything decided about a record?"""
        return bool(self._of.get(record))

    def __bool__(self) -> bool:
        return bool(self._of)

    def edges(self, nodes: Nodes, among: Iterable[int]) -> list[tuple[int, int, int]]:
        """(node, other node, weight) of every decision on a record of these nodes whose other record is here too."""
        found = {}
        for node in among:
            for record in nodes.bearers(node):
                for other, verdict in self._of.get(record, {}).items():
                    if other in nodes:
                        found[node, nodes.of(other)] = MUST if verdict == "must" else MUST_NOT
        return [(node, other, weight) for (node, other), weight in found.items()]


@dataclass(frozen=True, slots=True)
class _Around:
    """Edges of a region's nodes: position of the near end, far node, weight, conflict."""

    place: Ints
    other: Ints
    weight: Ints
    conflict: Ints


class Partition:
    """`label[node]` names the node's cluster by its smallest member. Of its merges it is known at what similarity each
    node first merged (`first`), and the least at which a part of two nodes or more did (`low[label]`)."""

    def __init__(self, edges: Edges, nodes: Nodes, decisions: Decisions, thresholds: Thresholds) -> None:
        self._edges, self._nodes, self._decisions = edges, nodes, decisions
        self._link, self._missing = thresholds.link, thresholds.missing
        self._label: Labels = np.zeros(0, np.int32)
        self._size: NDArray[np.int32] = np.zeros(0, np.int32)
        self._first: Floats = np.zeros(0, np.float64)
        self._low: Floats = np.zeros(0, np.float64)
        self._members: dict[int, Ints] = {}
        self._place: NDArray[np.int32] = np.zeros(0, np.int32)
        self._marks = Marks()

    def restore(self, clusters: Sequence[Sequence[int]]) -> None:
        """Take clusters as they were stored. How they merged is not known, so it counts as weakly as can be."""
        self._grow()
        for cluster in clusters:
            # One whose content is too thin to link can be here by a decision, which will give it a node of its own.
            members = np.array(sorted(node for node in cluster if not self._nodes.thin[node]), np.int64)
            if len(members) > 1:
                self._take(members)

    def settle(self, moves: Moves, stirred: Ints) -> list[list[int]]:
        """Cluster what was stirred up; groups of nodes whose members, or whose members' bearers, changed."""
        self._grow()
        thin = self._nodes.thin
        changed = moves.changed[~thin[moves.changed]]
        gone = moves.gone[~thin[moves.gone]]
        before = self._joined(self._label[np.concatenate((changed, stirred))])
        reshaped = [self._leave(gone)]
        region = before[~self._marks.among(before, gone)]
        news = distinct(self._label[region])
        region = self._with_likely(region)
        doubts = proved = _NO_PAIRS
        while len(region):
            found, border = self._alone(region)
            upset = self._adopt(region, found, reshaped)
            # Two clusters that came out of one run as they went in are proved harmless to each other till one changes;
            # so are two that nothing of late has changed, or touched the edges of.
            proved = np.concatenate((proved, doubts))
            proved = proved[~self._marks.among(proved, upset).any(axis=1)]
            news = distinct(np.concatenate((news, upset)))
            doubts = self._doubts(region, border, proved, news)
            region = self._joined(doubts.ravel())
        living = changed[~self._marks.among(changed, gone)]
        labels = distinct(self._label[np.concatenate((*reshaped, living))])
        return [self._cluster(label).tolist() for label in labels.tolist()]

    def _grow(self) -> None:
        known, size = len(self._label), self._nodes.count
        self._label, self._size = grown(self._label, size), grown(self._size, size)
        self._first, self._low = grown(self._first, size), grown(self._low, size)
        self._marks.hold(size)
        if len(self._label) > known:
            self._label[known:] = np.arange(known, len(self._label))
            self._size[known:] = 1
            self._first[known:] = self._low[known:] = np.inf
            self._place = np.full(len(self._label), -1, np.int32)

    def together(self, left: Ints | Labels, right: Ints | Labels) -> NDArray[np.bool_]:
        """Whether n pairs of nodes are of one cluster."""
        return np.asarray(self._label[left] == self._label[right])

    def _cluster(self, label: int) -> Ints:
        found = self._members.get(label)
        return np.array([label], np.int64) if found is None else found

    def _joined(self, labels: Ints | Labels) -> Ints:
        """All nodes in these clusters, in order."""
        found = [self._cluster(label) for label in set(labels.tolist())]
        if not found:
            return NONE
        nodes = np.concatenate(found)
        nodes.sort()
        return nodes

    def _leave(self, gone: Ints) -> Ints:
        """Take nodes out of their clusters; a node of each rest, which holds no longer and is clustered anew."""
        rests: list[int] = []
        for label in distinct(self._label[gone]).tolist():
            members = self._members.pop(label, gone[:0])
            self._alone_again(members)
            rest = members[~self._marks.among(members, gone)]
            if len(rest):
                self._take(rest)
                rests.append(int(rest[0]))
        return np.array(rests, np.int64)

    def _alone_again(self, nodes: Ints) -> None:
        self._label[nodes], self._size[nodes] = nodes, 1
        self._first[nodes] = self._low[nodes] = np.inf

    def _take(self, members: Ints) -> None:
        """Make a cluster of these nodes (in order), not saying how they merged."""
        label = int(members[0])
        self._label[members], self._size[label] = label, len(members)
        if len(members) > 1:
            self._members[label] = members
            self._first[members] = self._low[label] = -np.inf

    def _with_likely(self, region: Ints) -> Ints:
        """The region and what its nodes may merge with at once: one run then settles most of it."""
        _, others, numbers = self._edges.of(region)
        likely = others[self._edges.weight[numbers] >= self._link]
        return self._joined(self._label[np.concatenate((region, likely))]) if likely.size else region

    def _alone(self, region: Ints) -> tuple[Clustering, _Around]:
        """Cluster a region as if there were nothing else; the clusters found, and the edges that leave it."""
        around = self._around(region)
        self._place[region] = np.arange(len(region))
        inside = self._place[around.other]
        self._place[region] = -1
        within, outside = around.place < inside, inside < 0
        found = agglomerate(
            len(region), around.place[within], inside[within].astype(np.int64), around.weight[within],
            around.conflict[within], self._nodes.rank[region], self._link, self._missing,
        )  # fmt: skip
        return found, _Around(*(part[outside] for part in (around.place, around.other, around.weight, around.conflict)))

    def _around(self, region: Ints) -> _Around:
        places, others, numbers = self._edges.of(region)
        weight, conflict = self._edges.weight[numbers], self._edges.conflict[numbers]
        around = _Around(places, others, weight.astype(np.int64), conflict.astype(np.int64))
        return self._with_decisions(region, around) if self._decisions else around

    def _with_decisions(self, region: Ints, around: _Around) -> _Around:
        """Decided pairs take the place of scored ones."""
        at = {int(node): place for place, node in enumerate(region)}
        decided = self._decisions.edges(self._nodes, at)
        if not decided:
            return around
        span = self._nodes.count
        near = np.array([at[node] for node, _, _ in decided])
        far = np.array([other for _, other, _ in decided])
        free = ~np.isin(around.place * span + around.other, near * span + far)
        return _Around(
            np.concatenate((around.place[free], near)), np.concatenate((around.other[free], far)),
            np.concatenate((around.weight[free], np.array([weight for _, _, weight in decided]))),
            np.concatenate((around.conflict[free], np.zeros(len(decided), np.int64))),
        )  # fmt: skip

    def _adopt(self, region: Ints, found: Clustering, reshaped: list[Ints]) -> Labels:
        """Make the clusters found those that hold, and note a node of each that was not there before. Back come all
        labels, old and new, that mean another cluster now."""
        order, starts = runs(found.label)
        counts = lengths(starts, len(order))
        was, heads = self._label[region[order]], region[order[starts]]
        least, most = np.minimum.reduceat(was, starts), np.maximum.reduceat(was, starts)
        new = (least != most) | (self._size[least] != counts)
        old = distinct(was[new.repeat(counts)])
        for label in old.tolist():
            self._members.pop(label, None)
        self._label[region], self._first[region] = region[found.label], found.first
        self._size[heads], self._low[heads] = counts, found.low[order[starts]]
        for at in (new & (counts > 1)).nonzero()[0].tolist():
            self._members[int(heads[at])] = region[order[starts[at] : starts[at] + counts[at]]]
        reshaped.append(heads[new])
        return np.concatenate((old, heads[new].astype(np.int32)))

    def _doubts(self, region: Ints, border: _Around, proved: Ints, news: Labels) -> Ints:
        """Pairs of clusters (n, 2), one of them news, that edges across the region's border may concern and that are
        not proved harmless.

        At no time can two parts of two clusters be more similar than the strongest edge between the clusters, nor,
        where one part has two nodes or more, than half of what speaks for them; conflict only lessens both. So an edge
        matters where a node's first merge was weaker than it, all edges together where a later merge was weaker than
        half of what speaks for the two.
        """
        weight = border.weight
        if not len(weight):
            return _NO_PAIRS
        near, far = region[border.place], border.other
        span = len(self._label)
        one, other = self._label[near].astype(np.int64), self._label[far].astype(np.int64)
        codes = np.minimum(one, other) * span + np.maximum(one, other)
        order, starts = runs(codes)
        pairs, evidence = codes[order[starts]], weight[order] - self._missing
        one, other = pairs // span, pairs % span
        sizes, others = self._size[one].astype(np.int64), self._size[other].astype(np.int64)
        again = np.add.reduceat(border.conflict[order], starts) * (np.minimum(sizes, others) - 1)
        total = np.add.reduceat(evidence, starts) + again
        bad = total / (sizes * others) + self._missing >= self._link
        speaking_for = np.add.reduceat(np.maximum(evidence, 0), starts)
        bad |= speaking_for / 2 + self._missing >= np.minimum(self._low[one], self._low[other])
        strong = (weight >= self._link) & (weight >= np.minimum(self._first[near], self._first[far]))
        bad |= np.logical_or.reduceat(strong[order], starts)
        bad &= self._marks.among(one, news) | self._marks.among(other, news)
        if len(proved):
            bad &= ~np.isin(pairs, proved[:, 0] * span + proved[:, 1])
        return np.stack((one[bad], other[bad]), axis=1) if bad.any() else _NO_PAIRS
