"""Places and organisations, linked by rules: the identity index of what has numbers, addresses and names of its own.

A record's *reading* may bear a number that says which subject it is of (UPRN, company number). The partition is a
function of the set of readings, never of their order:
    1. readings with a number are one group a number, and never of two;
    2. a *pinned* reading, one that says where it is, belongs to the one numbered group that its surest rule leads to;
       pinned readings that lead to no number are one group as far as rules join them;
    3. a vague reading belongs to the one group, of those made so far, that its surest rule leads to; vague readings
       that lead nowhere are one group as far as rules join them.
A reading whose surest rule leads to two groups belongs to neither: nobody can tell, and equal readings stay together.
What stewards decided about two records outranks all this (decided.py).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Generic
from uuid import UUID

from services.linkage.index.changes import Change, Decide, Delta, Remove, Stored, Upsert, Verdict
from services.linkage.index.entities import EntityChange, is_crowd, renamed, serial_of, survive
from services.linkage.index.partition import Decisions
from services.linkage.ruled.decided import decided, reached
from services.linkage.ruled.labelling import Label, R, Rule, labelled, led_to

MOST_UNDER_A_KEY: Final = 64
"""Readings under one key that are still compared with each other; more share what everybody has."""


class RuledIndex(Generic[R]):
    """The entities of one kind of subject under its rules, the surest first. The interface is ``index.Index``'s."""

    def __init__(self, kind: str, read: Callable[[Mapping[str, str]], R], rules: Sequence[Rule[R]]) -> None:
        self.kind = kind
        self._read, self._rules = read, rules
        self._reading: dict[UUID, R] = {}
        self._bearers: defaultdict[R, set[UUID]] = defaultdict(set)
        self._under: dict[str, set[R]] = {}
        self._label: dict[R, Label] = {}
        self._group: defaultdict[Label, set[R]] = defaultdict(set)
        self._decisions = Decisions()
        self._entity: dict[UUID, UUID] = {}
        self._members: dict[UUID, tuple[UUID, ...]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._reading)

    def __contains__(self, record: UUID) -> bool:
        return record in self._reading

    def apply(self, changes: Sequence[Change]) -> Delta:
        """Take a micro-batch in and say what it changed. Of several changes to one record the last counts."""
        concerned = self._decide([one for one in changes if isinstance(one, Decide)])
        wanted = {
            one.record: self._read(one.identity) if isinstance(one, Upsert) else None
            for one in changes
            if isinstance(one, Upsert | Remove)
        }
        before = {record: self._reading.get(record) for record in wanted}
        moved = {record for record, reading in wanted.items() if reading != before[record]}
        labels = self._relabel(self._carry(moved, wanted)) if moved else set()
        entities = self._settle(moved, labels, before, concerned) if moved or concerned else []
        held = [record for record in wanted.keys() | concerned if record in self._reading]
        rows = dict.fromkeys((record for record in held if record in moved), b"")
        return Delta(rows, entities, frozenset(self._entity[record] for record in held))

    def restore(
        self, parts: Iterable[Sequence[Stored]], newest: UUID | None = None, decided: Sequence[Decide] = ()
    ) -> None:
        """Rebuild from what was stored. ``newest`` is the greatest entity id ever given out; ``decided`` is all that is
        decided."""
        self._decide(decided)
        wanted: dict[UUID, R | None] = {}
        groups: dict[UUID, list[UUID]] = {}
        for part in parts:
            for one in part:
                wanted[one.record] = self._read(one.identity)
                groups.setdefault(one.entity, []).append(one.record)
        self._relabel(self._carry(wanted.keys(), wanted))
        for entity, records in groups.items():
            self._members[entity] = tuple(sorted(records))
            self._entity.update(dict.fromkeys(records, entity))
        self._serial = max((serial_of(entity) for entity in (*groups, *((newest,) if newest else ()))), default=0)

    def rename(self, named: Mapping[UUID, UUID], newest: UUID | None = None) -> None:
        """As ``Index.rename``."""
        self._note(renamed(self._entity, self._members, named))
        self._serial = max(self._serial, serial_of(newest) if newest else 0)

    def decided(self, records: Iterable[UUID]) -> Mapping[tuple[UUID, UUID], Verdict]:
        """As ``Index.decided``."""
        return self._decisions.pairs_about(records)

    def entity(self, record: UUID) -> UUID:
        """The entity of a record. Raises ``KeyError`` for a record that is not here."""
        return self._entity[record]

    def entities(self) -> Mapping[UUID, tuple[UUID, ...]]:
        """All living entities and their records."""
        return self._members

    def belonging(self, reading: R) -> UUID | None:
        """The entity that a reading, which need not be here, would belong to; None when that is none or nobody can
        tell."""
        to = {self._label[reading]} if reading in self._label else led_to(self._agreeing(reading), self._label)
        groups = self._records_of(next(iter(to))) if len(to) == 1 else []
        return self._entity[groups[0][0]] if len(groups) == 1 else None

    def find(self, identity: Mapping[str, str], limit: int) -> list[UUID]:
        """Records that an identity may be of, which need not be here: of its number, then those that a rule leads to,
        the surest first, then those that share a key with it."""
        reading = self._read(identity)
        agreeing = self._agreeing(reading)
        sharing = {other for key in reading.keys for other in sorted(self._under.get(key, ()))[:MOST_UNDER_A_KEY]}
        same = self._group.get(("number", reading.number), set()) if reading.number else set()
        ordered = [*sorted(same), *sorted(agreeing, key=lambda one: (agreeing[one], one)), *sorted(sharing)]
        records = (record for one in dict.fromkeys(ordered) for record in sorted(self._bearers.get(one, ())))
        return list(islice(records, limit))

    def apart(self, groups: Sequence[Sequence[UUID]], strict: Sequence[bool]) -> list[list[list[UUID]]]:
        """What each group of an entity's records falls into when no other record speaks. It is rules that join in any
        case, so ``strict`` changes nothing."""
        return [self._alone(group) for group in groups]

    def _decide(self, decisions: Sequence[Decide]) -> set[UUID]:
        for one in decisions:
            self._decisions.set(one.left, one.right, one.verdict)
        return {record for one in decisions for record in (one.left, one.right) if record in self._reading}

    def _alone(self, group: Sequence[UUID]) -> list[list[UUID]]:
        readings = {self._reading[record] for record in group}
        labels = labelled({one: {o: by for o, by in self._agreeing(one).items() if o in readings} for one in readings})
        found: defaultdict[object, list[UUID]] = defaultdict(list)
        for record in group:
            label = labels[self._reading[record]]
            found[record if label[0] == "nobody" else label].append(record)
        return decided(found.values(), self._decisions)

    # -- which readings there are

    def _carry(self, moved: Iterable[UUID], wanted: Mapping[UUID, R | None]) -> set[R]:
        """Give records their new readings; the readings, gone ones too, whose groups may be others now."""
        old = {self._reading[record] for record in moved if record in self._reading}
        for record in moved:
            if (reading := self._reading.pop(record, None)) is not None:
                self._bearers[reading].discard(record)
            if (reading := wanted[record]) is not None:
                self._reading[record] = reading
                self._bearers[reading].add(record)
        new = {reading for record in moved if (reading := wanted[record]) is not None}
        gone = {reading for reading in old if not self._bearers[reading]}
        fresh = {reading for reading in new if reading not in self._label}
        stirred = gone | fresh | self._next_to(gone) | self._rekey(gone, fresh)
        for reading in gone:
            del self._bearers[reading]
        return stirred | self._next_to(fresh)

    def _rekey(self, gone: set[R], fresh: set[R]) -> set[R]:
        """Bring the keys up to date; the readings under those that became too many, or few enough again."""
        turned: defaultdict[str, set[R]] = defaultdict(set)
        for reading in gone | fresh:
            for key in reading.keys:
                turned[key].add(reading)
        stirred: set[R] = set()
        for key, some in turned.items():
            there = self._under.pop(key, set())
            after = (there | some) - gone
            if (len(there) > MOST_UNDER_A_KEY) != (len(after) > MOST_UNDER_A_KEY):
                stirred |= there
            if after:
                self._under[key] = after
        return stirred

    def _next_to(self, readings: Iterable[R]) -> set[R]:
        return {other for reading in readings for other in self._agreeing(reading)}

    def _agreeing(self, reading: R) -> dict[R, int]:
        """Readings that a rule holds with, and the place of the surest such rule."""
        found: dict[R, int] = {}
        for key in reading.keys:
            others = self._under.get(key, ())
            if len(others) <= MOST_UNDER_A_KEY:
                for other in others:
                    if other != reading and other not in found and (by := self._decided(reading, other)) is not None:
                        found[other] = by
        return found

    def _decided(self, one: R, other: R) -> int | None:
        return next((at for at, rule in enumerate(self._rules) if rule.holds(one, other)), None)

    # -- which readings are one

    def _relabel(self, stirred: set[R]) -> set[Label]:
        """Group anew what was stirred and all that hangs on it; the labels of groups that are others now."""
        region = self._hanging_on({one for one in stirred if one in self._bearers})
        labels = labelled(region)
        changed: set[Label] = set()
        for reading in stirred | region.keys():
            old, new = self._label.get(reading), labels.get(reading)
            if old != new:
                changed |= {label for label in (old, new) if label is not None}
                self._put(reading, old, new)
        return changed

    def _put(self, reading: R, old: Label | None, new: Label | None) -> None:
        if old is not None:
            self._group[old].discard(reading)
            if not self._group[old]:
                del self._group[old]
        if new is None:
            del self._label[reading]
        else:
            self._label[reading] = new
            self._group[new].add(reading)

    def _hanging_on(self, start: set[R]) -> dict[R, dict[R, int]]:
        """These readings, and all that rules lead to from them by way of readings without a number."""
        region: dict[R, dict[R, int]] = {}
        ahead = list(start)
        while ahead:
            reading = ahead.pop()
            if reading not in region:
                region[reading] = self._agreeing(reading)
                if not reading.number:
                    ahead += region[reading]
        return region

    def _settle(
        self, moved: set[UUID], changed: set[Label], before: Mapping[UUID, R | None], concerned: set[UUID]
    ) -> list[EntityChange]:
        """The entities of the groups that changed, whose readings got or lost bearers, or about which was decided."""
        readings = {one for record in moved for one in (before[record], self._reading.get(record)) if one is not None}
        labels = changed | {self._label[one] for one in readings if one in self._label}
        groups = [group for label in labels for group in self._records_of(label)]
        # A crowd's are alone, and stay so whoever comes or goes: only those that were not are looked at.
        stirred = {record for group in groups for record in group if len(group) > 1 or not self._is_alone(record)}
        touched, after = self._region(stirred | concerned | moved)
        changes, self._serial = survive({e: self._members[e] for e in touched}, after, self.kind, self._serial)
        for record in moved:  # not the other way round: there are millions of readings
            if record not in self._reading:
                self._entity.pop(record, None)
        self._note(changes)
        return changes

    def _is_alone(self, record: UUID) -> bool:
        """Is it the only one of its entity?"""
        return record in self._entity and len(self._members[self._entity[record]]) == 1

    def _note(self, changes: Iterable[EntityChange]) -> None:
        for change in changes:
            if change.after:
                self._members[change.entity] = change.after
                self._entity.update(dict.fromkeys(change.after, change.entity))
            else:
                del self._members[change.entity]

    def _region(self, records: set[UUID]) -> tuple[set[UUID], list[list[UUID]]]:
        """The entities that these records are in, and all the records of these as they are together now. An entity that
        decisions made of several groups brings all of them along."""
        touched: set[UUID] = set()
        groups: list[Sequence[UUID]] = []
        ahead = records
        while ahead:
            groups = reached(ahead, self._decisions, self._group_of)
            inside = ahead | {record for group in groups for record in group}
            fresh = {self._entity[record] for record in inside if record in self._entity} - touched
            touched |= fresh
            more = {record for entity in fresh for record in self._members[entity]} - inside
            ahead = inside | more if more else set()
        return touched, decided(groups, self._decisions)

    def _group_of(self, record: UUID) -> Sequence[UUID]:
        """The records that rules hold to be of one with a record, it among them; none when it is not here."""
        reading = self._reading.get(record)
        if reading is None:
            return ()
        groups = self._records_of(self._label[reading])
        return groups[0] if len(groups) == 1 else [record]

    def _records_of(self, label: Label) -> list[list[UUID]]:
        """The records of a group; a reading that is nobody's makes nobody of its bearers one, nor does a crowd."""
        readings = self._group.get(label, set())
        records = [record for reading in readings for record in self._bearers[reading]]
        if label[0] == "nobody" or is_crowd(len(records)):
            return [[record] for record in records]
        return [records] if records else []
