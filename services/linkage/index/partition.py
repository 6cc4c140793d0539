"""The partition of nodes into clusters, kept up to date by clustering anew only what a change can have touched.

Why a part is enough: average link merges clusters that are each other's most similar, so a merge is right wherever
nothing else was more similar to either side. After clustering a region alone, an edge to the outside proves harmless
when it is weaker than every merge on both its sides and the two final clusters stay apart; where that fails, the region
widens. What remains is exactly the partition of the whole graph.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.index import regions
from services.linkage.index.changes import Verdict
from services.linkage.index.cluster import MUST, MUST_NOT, Floats, Ints, clustered
from services.linkage.index.edges import Edges
from services.linkage.index.nodes import Moves, Nodes
from services.linkage.matching.arrays import NONE, grown
from services.linkage.matching.model import Thresholds

Labels = NDArray[np.int32]
RESTORED: Final = 10_000
"""About how many nodes' merges are found out at once: what a processor's cache holds."""


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
        self._after: Labels = np.zeros(0, np.int32)
        self._place: Labels = np.zeros(0, np.int32)
        self._marks: NDArray[np.uint8] = np.zeros(0, np.uint8)

    def restore(self, clusters: Sequence[Collection[int]]) -> None:
        """Take clusters as they were stored, and find out how each merged: alone it does as among the others. Of what
        falls apart alone that is not known, so it counts as weakly as can be."""
        self._grow()
        clusters = _united(clusters)
        nodes = np.array([node for cluster in clusters for node in sorted(cluster)], np.int64)
        sizes = np.array([len(cluster) for cluster in clusters], np.int64)
        # A node whose content is too thin to link can be here by a decision, which will give it a node of its own.
        regions.taken(nodes, sizes, self._nodes.thin, *self._clusters)
        starts = sizes.cumsum() - sizes
        for part in np.split(nodes, starts[1:][np.diff(starts // RESTORED) > 0]):
            self._retrace(part)

    def _retrace(self, region: Ints) -> None:
        """Note how whole clusters merged."""
        _, inside = regions.around(region, *self._edges.arrays, *self._decided(region), self._place)
        together = self.together(region[inside[0]], region[inside[1]])
        one, other, weight, conflict = (each[together] for each in inside)
        rank = self._nodes.rank[region]
        found = clustered(len(region), one, other, weight, conflict, rank, self._link, self._missing)
        regions.retraced(region, *self._clusters, *found)

    def settle(self, moves: Moves, stirred: Ints) -> list[list[int]]:
        """Cluster what was stirred up; groups of nodes whose members, or whose members' bearers, changed."""
        self._grow()
        rests, living, news, region = regions.stirred_up(
            moves.changed, moves.gone, stirred, self._nodes.thin, *self._edges.arrays, self._link, *self._clusters,
            self._marks,
        )  # fmt: skip
        reshaped, proved = [rests], NONE
        region.sort()
        while len(region):
            upset, fresh, doubts = self._alone(region, news, proved)
            reshaped.append(fresh)
            if not len(doubts):
                break
            # Two clusters that came out of one run as they went in are proved harmless to each other till one changes;
            # so are two that nothing of late has changed, or touched the edges of.
            news = np.concatenate((news, upset))
            proved = np.concatenate((self._still(proved, upset), doubts))
            proved.sort()
            region = self._joined(np.concatenate(divmod(doubts, len(self._label))))
        return self._groups(np.concatenate((*reshaped, living)))

    def together(self, left: Ints | Labels, right: Ints | Labels) -> NDArray[np.bool_]:
        """Whether n pairs of nodes are of one cluster."""
        return np.asarray(self._label[left] == self._label[right])

    @property
    def _clusters(self) -> tuple[Labels, Labels, Labels, Floats, Floats]:
        return self._label, self._size, self._after, self._first, self._low

    def _grow(self) -> None:
        known, count = len(self._label), self._nodes.count
        if count <= known:
            return
        self._label, self._size, self._after = (grown(one, count) for one in (self._label, self._size, self._after))
        self._first, self._low = grown(self._first, count), grown(self._low, count)
        self._label[known:] = np.arange(known, len(self._label))
        self._size[known:], self._after[known:] = 1, -1
        self._first[known:] = self._low[known:] = np.inf
        self._place = np.full(len(self._label), -1, np.int32)
        self._marks = np.zeros(len(self._label), np.uint8)

    def _joined(self, nodes: Ints) -> Ints:
        """All nodes of the clusters of these, in order."""
        found = regions.joined(nodes, self._label, self._size, self._after, self._marks)
        found.sort()
        return found

    def _still(self, proved: Ints, upset: Ints) -> Ints:
        """Those codes of two clusters of which neither means another cluster now."""
        self._marks[upset] = 1
        one, other = divmod(proved, len(self._label))
        still: Ints = proved[(self._marks[one] | self._marks[other]) == 0]
        self._marks[upset] = 0
        return still

    def _groups(self, nodes: Ints) -> list[list[int]]:
        """The clusters of these nodes, in order."""
        names = regions.names(nodes, self._label, self._marks)
        names.sort()
        members, ends = regions.members(names, self._size, self._after)
        found, stops = members.tolist(), ends.tolist()
        return [found[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]

    def _alone(self, region: Ints, news: Ints, proved: Ints) -> tuple[Ints, Ints, Ints]:
        """Cluster a region as if there were nothing else, and make that what holds (``regions.adopted``)."""
        edges, inside = regions.around(region, *self._edges.arrays, *self._decided(region), self._place)
        found = clustered(len(region), *inside, self._nodes.rank[region], self._link, self._missing)
        return regions.adopted(
            region, *self._clusters, *edges, *found, news, proved, self._link, self._missing, self._place, self._marks
        )

    def _decided(self, region: Ints) -> tuple[Ints, Ints]:
        """What is decided of a region's nodes: codes, as ``regions.around`` reads them, and weights."""
        if not self._decisions:
            return NONE, NONE
        at = {node: place for place, node in enumerate(region.tolist())}
        span = len(self._label)
        decided = sorted(
            (at[node] * span + other, weight) for node, other, weight in self._decisions.edges(self._nodes, at)
        )
        codes = np.array([code for code, _ in decided], np.int64)
        return codes, np.array([weight for _, weight in decided], np.int64)


def _united(clusters: Sequence[Collection[int]]) -> list[Collection[int]]:
    """Clusters of two nodes or more; those that have a node in common are one. Records of one content are stored in
    several entities when they are a crowd's, or when scores might not join them at that time."""
    several = [cluster for cluster in clusters if len(cluster) > 1]
    cluster_of: dict[int, Collection[int]] = {}
    for cluster in several:
        met = [cluster_of[node] for node in cluster if node in cluster_of]
        united = {*cluster, *(node for one in met for node in one)} if met else cluster
        cluster_of.update(dict.fromkeys(united, united))
    return list({id(cluster): cluster for cluster in cluster_of.values()}.values())
