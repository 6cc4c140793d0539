"""The identity index: records in, entities out, one micro-batch at a time, in memory.

The partition is a function of the set of records, the model and the stewards' decisions; no order of arrival, batch
size or redelivery shows in it. Only entity ids remember (see `entities.survive`). One owner applies changes; there is
no I/O and no clock here, and the same batches in the same order give the same ids on every machine.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.linkage.index.apart import apart
from services.linkage.index.blocking import Blocks, Overflow, Pairs, Proposal
from services.linkage.index.changes import Change, Decide, Delta, Stored, Upsert, Verdict
from services.linkage.index.edges import UNCOUNTED, Edges
from services.linkage.index.engine import Engine
from services.linkage.index.entities import EntityChange, carry_over, held, is_crowd, renamed, serial_of, survive
from services.linkage.index.finding import Doubt, doubts, find, strong
from services.linkage.index.nodes import Moves, Nodes
from services.linkage.index.partition import Decisions, Partition
from services.linkage.index.rows import packed, unpacked
from services.linkage.index.weighing import Weighed, Weigher
from services.linkage.matching.arrays import NONE, distinct
from services.linkage.matching.columns import Columns
from services.linkage.matching.compare import itself
from services.linkage.matching.explain import Explanation, explain
from services.linkage.matching.match import Matcher
from services.linkage.matching.model import Model
from services.linkage.matching.rules import NO_RULE, rule_for
from services.linkage.reading.subjects import traits_of

Ints = NDArray[np.int64]


class Index:
    """The entities of one kind of subject under one model. ``engine`` weighs whole sets: who fills or restores it has
    one."""

    def __init__(self, model: Model, engine: Engine | None = None) -> None:
        self.model, self.kind = model, model.kind
        self._traits = traits_of(model.kind)
        self._matcher = Matcher(model)
        self._columns = Columns(model.frequencies())
        self._nodes = Nodes(self._columns, self._self_weight, model.thresholds.link)
        self._blocks = Blocks(self._columns, model.block_cap)
        self._edges = Edges()
        self._decisions = Decisions()
        self._partition = Partition(self._edges, self._nodes, self._decisions, model.thresholds)
        self._entity: dict[UUID, UUID] = {}
        self._members: dict[UUID, tuple[UUID, ...]] = {}
        self._serial = 0
        self._engine = engine

    # -- what the stream calls

    def apply(self, changes: Sequence[Change]) -> Delta:
        """Take a micro-batch in and say what it changed. Of several changes to one record the last counts."""
        decided = self._decide([change for change in changes if isinstance(change, Decide)])
        wanted = {
            change.record: self._traits(change.identity) if isinstance(change, Upsert) else None
            for change in changes
            if not isinstance(change, Decide)
        }
        for record in decided:
            if record in self._nodes and record not in wanted:
                wanted[record] = self._columns.traits(self._nodes.of(record))
        for change in changes:
            if not isinstance(change, Decide):
                self._nodes.bind(change.record, isinstance(change, Upsert) and change.strict)
        moves = self._nodes.move(list(wanted.items()))
        owners, compared, stirred = self._link(moves)
        if decided:
            here = [self._nodes.of(record) for record in decided if record in self._nodes]
            stirred = np.concatenate((stirred, np.array(here, np.int64)))
        entities, crowded = self._settle(moves, stirred)
        looked_at = frozenset(self._entity[record] for record in wanted if record in self._entity)
        stirred_up = looked_at | self._entities_of(moves, stirred)
        return Delta(self._packed(moves, owners, wanted), entities, stirred_up, compared, crowded)

    def fill(self, parts: Iterable[Sequence[Upsert]], decided: Sequence[Decide]) -> None:
        """Take the first records in, all at once; every record must be in one part, and once.

        The engine finds and weighs the candidates of the whole set, as no batch would. The index and the partition are
        those that ``apply`` comes to by any batches; only the numbers of new ids may differ.
        """
        assert not len(self), "only an empty index can be filled"
        self._decide(decided)
        for part in parts:
            for one in part:
                self._nodes.bind(one.record, one.strict)
            self._nodes.move([(one.record, self._traits(one.identity)) for one in part])
        everyone = np.arange(self._nodes.count)
        fresh = everyone[~self._nodes.thin[everyone]]
        self._blocks.load(fresh)
        self._blocks.mark()
        for edges in self._weighed(fresh):
            self._keep(edges)
        self._settle(Moves(everyone[:0], everyone, everyone, ()), fresh)

    def adopt(self, before: Mapping[UUID, Sequence[UUID]], newest: UUID | None = None) -> list[EntityChange]:
        """Give the entities here the ids of those that another model made of the same records, and say what differs.

        ``before`` holds the members of all living entities; ``newest`` is the greatest id ever given out. The partition
        is not touched.
        """
        serial = serial_of(newest or max(before, default=UUID(int=0)))
        changes, self._serial = carry_over(before, list(self._members.values()), self.kind, serial)
        self._members = {old: tuple(members) for old, members in before.items()}
        self._note(changes)
        self._entity = {record: entity for entity, members in self._members.items() for record in members}
        return changes

    def restore(
        self, parts: Iterable[Sequence[Stored]], newest: UUID | None = None, decided: Sequence[Decide] = ()
    ) -> None:
        """Rebuild from what was stored, without scoring, but for records of which no row is known: for these alone
        the engine is asked. `newest` is the greatest entity id ever given out; `decided` is all that is decided."""
        assert not len(self), "only an empty index can be restored"
        self._decide(decided)
        rows: list[tuple[int, int, bytes | None]] = []
        groups: dict[UUID, list[UUID]] = {}
        for part in parts:
            for one in part:
                self._nodes.bind(one.record, one.strict)
                groups.setdefault(one.entity, []).append(one.record)
            moves = self._nodes.move([(one.record, self._traits(one.identity)) for one in part])
            self._blocks.load(moves.fresh[~self._nodes.thin[moves.fresh]])
            rows += [(self._nodes.of(one.record), one.version, one.row) for one in part]
        self._blocks.mark()
        self._restore_edges(rows)
        for entity, records in groups.items():
            self._members[entity] = tuple(records)
            self._entity.update(dict.fromkeys(records, entity))
        self._partition.restore([{self._nodes.of(r) for r in records} for records in groups.values()])
        self._serial = max((serial_of(entity) for entity in (*groups, *((newest,) if newest else ()))), default=0)

    def rename(self, named: Mapping[UUID, UUID], newest: UUID | None = None) -> None:
        """Give entities the ids that another index gave them: the entity there of each record that may have another
        here. ``newest`` is the greatest id given out there. Raises ``Diverged``: this index can be used no more."""
        self._note(renamed(self._entity, self._members, named))
        self._serial = max(self._serial, serial_of(newest) if newest else 0)

    def decided(self, records: Iterable[UUID]) -> Mapping[tuple[UUID, UUID], Verdict]:
        """What is decided here about some records, by pair, the smaller first."""
        return self._decisions.pairs_about(records)

    def why(self, left: UUID, right: UUID) -> Explanation:
        """Why two records are, or are not, held to be one. Raises KeyError for a record that is not here."""
        nodes = np.array([self._nodes.of(left)]), np.array([self._nodes.of(right)])
        levels, rarities = self._weigher.compare(*nodes)
        rule = self._decisions.between(left, right) or self._rule(*(int(node[0]) for node in nodes))
        return explain(self._matcher, levels[:, 0], rarities[:, 0], rule, self.entity(left) == self.entity(right))

    def find(self, identity: Mapping[str, str], limit: int) -> list[tuple[UUID, int]]:
        """Records that an identity may be of, which need not be here, and their weights; the likeliest first."""
        return find(self._traits(identity), self._matcher, self._columns, self._blocks, self._nodes, limit)

    def doubts(self, limit: int) -> list[Doubt]:
        """Pairs of entities that a steward's look would help most to tell apart or to join."""
        return doubts(
            self._edges, self._nodes, self._partition, self._entity, self._members, self.model.thresholds.review, limit
        )

    def pairs(self, least: int) -> Iterator[tuple[UUID, UUID]]:
        """Pairs of records that weigh at least so many millibits on their own, whatever clusters they ended in."""
        return strong(self._edges, self._nodes, least)

    def apart(self, groups: Sequence[Sequence[UUID]], strict: Sequence[bool]) -> list[list[list[UUID]]]:
        """What each group of an entity's records falls into when no other record speaks; in a ``strict`` group no score
        either."""
        return apart(
            groups, strict, self._nodes, self._edges, self._decisions, self.model.thresholds,
            lambda left, right: self._rule_for(left, right) is not None,
        )  # fmt: skip

    def entity(self, record: UUID) -> UUID:
        """The entity of a record. Raises KeyError for a record that is not here."""
        return self._entity[record]

    def entities_of(self, records: Iterable[UUID]) -> dict[UUID, UUID]:
        """The entity of each of these records that is here."""
        return {one: self._entity[one] for one in records if one in self._entity}

    def members(self, entity: UUID) -> tuple[UUID, ...]:
        """The records of a living entity. Raises KeyError for an id that lives no more."""
        return self._members[entity]

    def entities(self) -> Mapping[UUID, tuple[UUID, ...]]:
        """All living entities and their records."""
        return self._members

    def records(self) -> Iterable[UUID]:
        """All records that are here."""
        return self._nodes.records()

    @property
    def overflowing(self) -> int:
        """How many block keys are above the cap now."""
        return self._blocks.overflowing

    def overflowed(self) -> list[Overflow]:
        """Those keys by kind and size."""
        return self._blocks.overflowed()

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, record: UUID) -> bool:
        return record in self._nodes

    # -- how

    @property
    def _weigher(self) -> Weigher:
        """Of the pairs there are now."""
        return Weigher(self._matcher, self._columns, self._blocks.crowds, self._nodes.strict)

    def _self_weight(self, nodes: Ints) -> Ints:
        """What a node's content would weigh if a second record bore it, in whatever partner's keeping."""
        return self._matcher.weigh(*itself(self._columns, nodes)).astype(np.int64)

    def _rule_for(self, left: int, right: int) -> str | None:
        return rule_for(self._columns.traits(left), self._columns.traits(right))

    def _rule(self, left: int, right: int) -> str | None:
        """What decides about two nodes of which scores may not join one; None when scores decide."""
        if not (self._nodes.strict[left] or self._nodes.strict[right]):
            return None
        return self._rule_for(left, right) or NO_RULE

    def _entities_of(self, moves: Moves, stirred: Ints) -> frozenset[UUID]:
        found = set[UUID]()
        for bearers in map(self._nodes.bearers, {*moves.changed.tolist(), *stirred.tolist()}):
            if not is_crowd(len(bearers)):
                found.update(map(self._entity.__getitem__, bearers))
        return frozenset(found)

    def _decide(self, decisions: Sequence[Decide]) -> list[UUID]:
        touched = dict.fromkeys(record for one in decisions for record in (one.left, one.right))
        for one in decisions:
            self._decisions.set(one.left, one.right, one.verdict)
        for record in touched:
            self._nodes.keep_alone(record, self._decisions.concern(record))
        return list(touched)

    def _link(self, moves: Moves) -> tuple[Ints, int, Ints]:
        """Candidates, scores, edges. Back come nodes whose rows are to be written: one end at least of each edge of
        older nodes that is new, weighed anew or no more; pairs compared; nodes stirred up."""
        gone, fresh = (nodes[~self._nodes.thin[nodes]] if len(nodes) else nodes for nodes in (moves.gone, moves.fresh))
        proposal = self._blocks.change(gone, fresh)
        _, bereft, ended = self._edges.of(gone)
        self._edges.kill(ended)
        unlinked = self._not_yet(proposal.woken)  # before keys are counted anew, woken ones among them
        loosened, loose = self._retract(proposal)
        older, newer = self._score(unlinked)
        self._score(proposal.fresh)
        crowds = proposal.crowds
        self._weigh_anew(crowds)
        compared = len(proposal.fresh) + len(proposal.woken) + len(crowds)
        others = (bereft, loosened, loose, older, newer, crowds.left, crowds.right)
        if not any(map(len, others)):
            return NONE, compared, fresh
        stirred = np.concatenate((*others, fresh))
        owners = np.concatenate((newer, crowds.right, loosened, bereft if moves.left else NONE))
        return owners[self._blocks.alive[owners]], compared, stirred[self._blocks.alive[stirred]]

    def _weigh_anew(self, pairs: Pairs) -> None:
        """Score pairs again, whether they are edges or not: what they share means something else now."""
        if len(pairs):
            numbers = self._edges.between(pairs.left, pairs.right)
            self._edges.kill(numbers[numbers >= 0])
            support = self._blocks.shared(pairs.left, pairs.right)
            held = support > 0
            self._score(Pairs(pairs.left[held], pairs.right[held], support[held]))

    def _retract(self, proposal: Proposal) -> tuple[Ints, Ints]:
        """Take an overflowed key's support from the edges under it; both ends of those that had no other."""
        keys, nodes = proposal.slept_keys, proposal.slept_nodes
        if not len(keys):
            return NONE, NONE
        ended = self._lessened(self._edges.within(keys, nodes))
        left, right = self._edges.left[ended].astype(np.int64), self._edges.right[ended].astype(np.int64)
        self._edges.kill(ended)
        return left, right

    def _lessened(self, numbers: Ints) -> Ints:
        """Take one key's support from each of these edges, which may repeat; those that have none now. What nobody has
        counted yet is counted as it is now."""
        ended, uncounted = self._edges.lessen(numbers)
        if len(uncounted):
            uncounted = distinct(uncounted)
            ends = self._edges.left[uncounted].astype(np.int64), self._edges.right[uncounted].astype(np.int64)
            self._edges.support[uncounted] = support = self._blocks.shared(*ends)
            ended = np.concatenate((ended, uncounted[support <= 0]))
        return distinct(ended)

    def _not_yet(self, woken: Pairs) -> Pairs:
        """Give edges that exist their woken keys' support; the pairs that are no edges yet."""
        if not len(woken):
            return woken
        numbers = self._edges.between(woken.left, woken.right)
        there = numbers >= 0
        counted = there & (self._edges.support[numbers] != UNCOUNTED)
        self._edges.support[numbers[counted]] += woken.keys[counted].astype(np.int16)
        return Pairs(woken.left[~there], woken.right[~there], woken.keys[~there])

    def _score(self, pairs: Pairs) -> tuple[Ints, Ints]:
        """Score pairs and keep as edges those that say something: older and newer ends of those kept."""
        if not len(pairs):
            return pairs.left, pairs.right
        edges = self._weigher.weigh(pairs)
        self._keep(edges)
        return edges.left, edges.right

    def _weighed(self, nodes: Ints) -> Iterator[Weighed]:
        """The edges among very many nodes."""
        assert self._engine is not None, "to weigh a whole set, an index is made with an engine"
        return self._engine.weighed(self._blocks, nodes, self._weigher)

    def _keep(self, edges: Weighed) -> None:
        self._edges.add(edges.left, edges.right, edges.weight, edges.conflict, edges.keys)

    def _settle(self, moves: Moves, stirred: Ints) -> tuple[list[EntityChange], int]:
        """Cluster anew what was stirred up, and say which entities changed by it and by the records' moves; and how
        many records stand alone from now on because they are together with too many."""
        groups = self._partition.settle(moves, stirred)
        together = [[record for node in group for record in self._nodes.bearers(node)] for group in groups]
        kept = [held(group, self._entity, self._members) for group in together]
        crowded = sum(len(some) for some, group in zip(kept, together, strict=True) if is_crowd(len(group)))
        after = [some for group in kept for some in group]
        thin = moves.changed[self._nodes.thin[moves.changed]].tolist()
        after += [[record] for node in thin for record in self._nodes.bearers(node)]
        touched = [self._entity.get(record) for group in after for record in group]
        touched += [self._entity.pop(record, None) for record in moves.left]
        before = {entity: self._members[entity] for entity in set(touched) if entity is not None}
        changes, self._serial = survive(before, after, self.kind, self._serial)
        self._note(changes)
        return changes, crowded

    def _note(self, changes: Iterable[EntityChange]) -> None:
        for change in changes:
            if change.after:
                self._members[change.entity] = change.after
                self._entity.update(dict.fromkeys(change.after, change.entity))
            else:
                del self._members[change.entity]

    def rows(self, records: Iterable[UUID]) -> dict[UUID, bytes]:
        """The rows to store of records that are here, as they are now."""
        wanted = set(records)
        nodes = np.array(sorted({self._nodes.of(one) for one in wanted}), np.int64)
        return packed(nodes, self._nodes, self._edges, wanted)

    def _packed(self, moves: Moves, owners: Ints, moved: Container[UUID]) -> dict[UUID, bytes]:
        """The rows to store: of all records of nodes with new edges, and of every record that moved."""
        if not len(owners):
            return packed(moves.changed, self._nodes, self._edges, moved)
        others = np.array(sorted(set(moves.changed.tolist()).difference(owners.tolist())), np.int64)
        return packed(others, self._nodes, self._edges, moved) | packed(distinct(owners), self._nodes, self._edges)

    def _restore_edges(self, rows: Iterable[tuple[int, int, bytes | None]]) -> None:
        """The edges that stored rows (node, version, row) tell. How many keys an edge has is counted when one of them
        overflows."""
        found = unpacked(rows, self._nodes)
        support = np.full(len(found.left), UNCOUNTED)
        self._edges.add(found.left, found.right, found.weight, found.conflict, support)
        if len(found.unknown):
            everyone = np.arange(self._nodes.count)
            for edges in self._weighed(everyone[~self._nodes.thin[everyone]]):
                anew = np.isin(edges.left, found.unknown) | np.isin(edges.right, found.unknown)
                self._keep(edges.of(anew))
