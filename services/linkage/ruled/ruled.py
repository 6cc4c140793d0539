"""Places and organisations, linked by rules: the identity index of what has numbers, addresses and names of its own.

A record's *reading* may bear a number that says which subject it is of (UPRN, company number). The partition is a
function of the set of readings, never of their order:
    1. readings with a number are one group a number, and never of two;
    2. a *pinned* reading, one that says where it is, belongs to the one numbered group that its surest rule leads to;
       pinned readings that lead to no number are one group as far as rules join them;
    3. a vague reading belongs to the one group, of those made so far, that its surest rule leads to; vague readings
       that lead nowhere are one group as far as rules join them.
A reading whose surest rule leads to two groups belongs to neither: nobody can tell, and equal readings stay together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from services.linkage.index.entities import EntityChange, renamed, serial_of, survive
from services.linkage.index.index import Change, Delta, Remove, Stored, Upsert

MOST_UNDER_A_KEY: Final = 64
"""Readings under one key that are still compared with each other; more share what everybody has."""


class Reading(Protocol):
    """What a record says of its subject. Hashable and ordered; equal readings are one."""

    @property
    def number(self) -> str:
        """The number that says which subject it is; "" where there is none."""

    @property
    def is_pinned(self) -> bool:
        """Whether it can tell its subject from others of the kind without a number."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What readings must share one of to be compared. Without number and keys a reading is nobody's."""

    def __lt__(self, other: Any, /) -> bool: ...


R = TypeVar("R", bound=Reading)


@dataclass(frozen=True, slots=True)
class Rule(Generic[R]):
    """Two readings of which it holds are of one subject. Symmetric."""

    name: str
    holds: Callable[[R, R], bool]


Label = tuple[str, Any]
"""What all readings of a group have in common: its number, or the least of the readings that make it."""


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
        self._entity: dict[UUID, UUID] = {}
        self._members: dict[UUID, tuple[UUID, ...]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._reading)

    def __contains__(self, record: UUID) -> bool:
        return record in self._reading

    def apply(self, changes: Sequence[Change]) -> Delta:
        """Take a micro-batch in and say what it changed. Of several changes to one record the last counts."""
        wanted = {
            one.record: self._read(one.identity) if isinstance(one, Upsert) else None
            for one in changes
            if isinstance(one, Upsert | Remove)
        }
        before = {record: self._reading.get(record) for record in wanted}
        moved = {record for record, reading in wanted.items() if reading != before[record]}
        entities = self._settle(moved, self._relabel(self._carry(moved, wanted)), before) if moved else []
        held = [record for record in wanted if record in self._reading]
        rows = dict.fromkeys((record for record in held if record in moved), b"")
        return Delta(rows, entities, frozenset(self._entity[record] for record in held))

    def restore(self, parts: Iterable[Sequence[Stored]], newest: UUID | None = None) -> None:
        """Rebuild from what was stored. ``newest`` is the greatest entity id ever given out."""
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

    def entity(self, record: UUID) -> UUID:
        """The entity of a record. Raises ``KeyError`` for a record that is not here."""
        return self._entity[record]

    def entities(self) -> Mapping[UUID, tuple[UUID, ...]]:
        """All living entities and their records."""
        return self._members

    def belonging(self, reading: R) -> UUID | None:
        """The entity that a reading, which need not be here, would belong to; None when that is none or nobody can
        tell."""
        to = {self._label[reading]} if reading in self._label else _led_to(self._agreeing(reading), self._label)
        records = [record for group in self._records_of(next(iter(to))) for record in group] if len(to) == 1 else []
        return self._entity[records[0]] if records else None

    def apart(self, groups: Sequence[Sequence[UUID]], strict: Sequence[bool]) -> list[list[list[UUID]]]:
        """What each group of an entity's records falls into when no other record speaks. It is rules that join in any
        case, so ``strict`` changes nothing."""
        return [self._alone(group) for group in groups]

    def _alone(self, group: Sequence[UUID]) -> list[list[UUID]]:
        readings = {self._reading[record] for record in group}
        labels = _labelled({one: {o: by for o, by in self._agreeing(one).items() if o in readings} for one in readings})
        found: defaultdict[object, list[UUID]] = defaultdict(list)
        for record in group:
            label = labels[self._reading[record]]
            found[record if label[0] == "nobody" else label].append(record)
        return list(found.values())

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
        labels = _labelled(region)
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

    def _settle(self, moved: set[UUID], changed: set[Label], before: Mapping[UUID, R | None]) -> list[EntityChange]:
        """The entities of the groups that changed, or whose readings got or lost bearers."""
        readings = {one for record in moved for one in (before[record], self._reading.get(record)) if one is not None}
        labels = changed | {self._label[one] for one in readings if one in self._label}
        after = [group for label in labels for group in self._records_of(label)]
        touched = {self._entity[record] for group in after for record in group if record in self._entity}
        touched |= {self._entity[record] for record in moved if record in self._entity}
        changes, self._serial = survive({e: self._members[e] for e in touched}, after, self.kind, self._serial)
        for record in moved - self._reading.keys():
            self._entity.pop(record, None)
        self._note(changes)
        return changes

    def _note(self, changes: Iterable[EntityChange]) -> None:
        for change in changes:
            if change.after:
                self._members[change.entity] = change.after
                self._entity.update(dict.fromkeys(change.after, change.entity))
            else:
                del self._members[change.entity]

    def _records_of(self, label: Label) -> list[list[UUID]]:
        """The records of a group; a reading that is nobody's makes nobody of its bearers one."""
        readings = self._group.get(label, set())
        records = [record for reading in readings for record in self._bearers[reading]]
        if label[0] == "nobody":
            return [[record] for record in records]
        return [records] if records else []


def _labelled(region: Mapping[R, Mapping[R, int]]) -> dict[R, Label]:
    """The label of each reading of a region that is whole: what its rules lead to is in it, or has a number."""
    labels: dict[R, Label] = {one: ("number", one.number) for one in region if one.number}
    labels |= {one: ("nobody", one) for one in region if not one.number and not one.keys}
    for pinned in (True, False):
        tier = [one for one in region if one not in labels and one.is_pinned is pinned]
        led = {one: _led_to(region[one], labels) for one in tier}
        labels |= _joined([one for one in tier if not led[one]], region)
        labels |= {one: next(iter(to)) if len(to) == 1 else ("reading", one) for one, to in led.items() if to}
    return labels


def _led_to(agreeing: Mapping[R, int], labels: Mapping[R, Label]) -> set[Label]:
    """The groups that the surest of a reading's rules lead to."""
    groups = {one: labels.get(one) or (("number", one.number) if one.number else None) for one in agreeing}
    surest = min((by for one, by in agreeing.items() if groups[one]), default=None)
    return {group for one, by in agreeing.items() if by == surest and (group := groups[one])}


def _joined(free: Sequence[R], region: Mapping[R, Mapping[R, int]]) -> dict[R, Label]:
    """Connected parts of readings that lead to no group, each named by its least."""
    labels: dict[R, Label] = {}
    among = set(free)
    for start in sorted(free):
        ahead = [start]
        while ahead:
            reading = ahead.pop()
            if reading not in labels:
                labels[reading] = ("reading", start)
                ahead += [other for other in region[reading] if other in among]
    return labels
