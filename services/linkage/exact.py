"""Places and organisations, linked by rules: a strong key (UPRN, company number) says which; where a record has none, a
weak key (the address read into its parts, the name and postcode) leads to the one strong key known for it.

The partition is a function of the set of records, as in index.py, and the interface is the same. "Flat A 10 The Grange"
and "10 The Grange" have different weak keys: the one is in the other, and not the same place.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.linkage.entities import EntityChange, serial_of, survive
from services.linkage.index import Change, Delta, Remove, Stored, Upsert
from services.linkage.names import fold
from services.linkage.places import NOWHERE, read_address
from shared.contracts import Kind

Keys = tuple[str, str]
"""Strong and weak key of a record; "" where it has none."""

LEGAL_FORMS = frozenset(("ltd", "limited", "cyf", "cyfyngedig", "plc", "ccc", "llp", "pac", "cic", "co", "company"))


def keys_of(kind: Kind, identity: Mapping[str, str]) -> Keys:
    """The keys of a place's or an organisation's identity."""
    return _place(identity) if kind is Kind.PLACE else _organisation(identity)


def _place(identity: Mapping[str, str]) -> Keys:
    address = read_address(identity.get("address", ""))
    where = identity.get("postcode") or fold(identity.get("town", ""))
    weak = f"{where}|{address.unit}|{address.number}|{address.street}" if address != NOWHERE and where else ""
    return identity.get("uprn", ""), weak


def _organisation(identity: Mapping[str, str]) -> Keys:
    words = [word for word in fold(identity.get("name", "")).split() if word not in LEGAL_FORMS]
    where = identity.get("postcode") or fold(identity.get("town", ""))
    return identity.get("company_number", ""), f"{' '.join(words)}|{where}" if words and where else ""


class ExactIndex:
    """The entities of one kind of subject under its keys."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._keys: dict[UUID, Keys] = {}
        self._strong: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._bearing: defaultdict[str, set[UUID]] = defaultdict(set)
        self._entity: dict[UUID, UUID] = {}
        self._members: dict[UUID, tuple[UUID, ...]] = {}
        self._serial = 0

    def apply(self, changes: Sequence[Change]) -> Delta:
        """Take a micro-batch in and say what it changed. Of several changes to one record the last counts."""
        moved = {one.record: one for one in changes if isinstance(one, Upsert | Remove)}
        stirred = {key for record in moved for key in self._keys.get(record, ())}
        for record, change in moved.items():
            self._take_out(record)
            if isinstance(change, Upsert):
                self._put_in(record, keys_of(self.kind, change.identity))
        stirred |= {key for record in moved for key in self._keys.get(record, ())}
        entities = self._settle(moved.keys(), stirred - {""})
        held = [record for record in moved if record in self._keys]
        return Delta(dict.fromkeys(held, b""), entities, frozenset(self._entity[record] for record in held))

    def restore(self, stored: Iterable[Stored], newest: UUID | None = None) -> None:
        """Rebuild from what was stored. ``newest`` is the greatest entity id ever given out."""
        groups: dict[UUID, list[UUID]] = {}
        for one in stored:
            self._put_in(one.record, keys_of(self.kind, one.identity))
            self._entity[one.record] = one.entity
            groups.setdefault(one.entity, []).append(one.record)
        self._members = {entity: tuple(sorted(records)) for entity, records in groups.items()}
        serials = [serial_of(entity) for entity in self._members] + ([serial_of(newest)] if newest else [])
        self._serial = max(serials, default=0)

    def entity(self, record: UUID) -> UUID:
        """The entity of a record. Raises ``KeyError`` for a record that is not here."""
        return self._entity[record]

    def _put_in(self, record: UUID, keys: Keys) -> None:
        self._keys[record] = keys
        strong, weak = keys
        for key in filter(None, keys):
            self._bearing[key].add(record)
        if strong and weak:
            self._strong[weak][strong] += 1

    def _take_out(self, record: UUID) -> None:
        strong, weak = self._keys.pop(record, ("", ""))
        for key in filter(None, (strong, weak)):
            self._bearing[key].discard(record)
        if strong and weak:
            self._strong[weak] -= Counter({strong: 1})

    def entities(self) -> Mapping[UUID, tuple[UUID, ...]]:
        """All living entities and their records."""
        return self._members

    def apart(self, groups: Sequence[Sequence[UUID]], strict: Sequence[bool]) -> list[list[list[UUID]]]:
        """What each group of an entity's records falls into when no other record speaks. It is rules that join in any
        case, so ``strict`` changes nothing."""
        return [self._grouped(group, self._strong_of(group)) for group in groups]

    def _strong_of(self, records: Iterable[UUID]) -> Mapping[str, Mapping[str, int]]:
        """Weak key → the strong ones that these records know for it."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for strong, weak in (self._keys[record] for record in records):
            if strong and weak:
                found[weak][strong] += 1
        return found

    def _grouped(self, records: Iterable[UUID], strong: Mapping[str, Mapping[str, int]]) -> list[list[UUID]]:
        groups: defaultdict[str | UUID, list[UUID]] = defaultdict(list)
        for record in records:
            groups[self._label(record, strong)].append(record)
        return list(groups.values())

    def _label(self, record: UUID, strongs: Mapping[str, Mapping[str, int]]) -> str | UUID:
        """What all records of one entity have in common; a record without keys is alone."""
        strong, weak = self._keys[record]
        known = strongs.get(weak, {})
        return strong or (next(iter(known)) if len(known) == 1 else weak) or record

    def _settle(self, moved: Iterable[UUID], stirred: set[str]) -> list[EntityChange]:
        """Group anew everything that shares a key with what moved, or an entity with that."""
        around = {
            record
            for key in stirred
            for strong in (key, *self._strong.get(key, ()))
            for record in self._bearing[strong]
        }
        around |= {record for record in moved if record in self._keys}
        touched = {self._entity[record] for record in (*around, *moved) if record in self._entity}
        around |= {record for entity in touched for record in self._members[entity] if record in self._keys}
        groups = self._grouped(around, self._strong)
        changes, self._serial = survive({e: self._members[e] for e in touched}, groups, self.kind, self._serial)
        for record in moved:
            self._entity.pop(record, None)
        for change in changes:
            if change.after:
                self._members[change.entity] = change.after
                self._entity.update(dict.fromkeys(change.after, change.entity))
            else:
                del self._members[change.entity]
        for entity in touched & self._members.keys():
            self._entity.update(dict.fromkeys(self._members[entity], entity))
        return changes
