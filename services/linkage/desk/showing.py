"""What one viewer may see of an entity: its records cut, value by value, to what the agreement each value came in by
shows them for their purpose, and the golden record made of those records alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.linkage.golden import Value, golden_of
from services.linkage.records import Kept
from shared.access import Decision
from shared.contracts import Kind

ORDER = (
    "name", "given", "middle", "family", "birth_family", "sex", "birth_date", "birth_place", "address", "town",
    "postcode", "uprn", "phone", "mobile", "email", "nhs_number", "nino", "company_number", "reference", "vehicle",
    "occupation",
)  # fmt: skip
"""Fields as a page lists them."""


@dataclass(frozen=True)
class Sight:
    """What a role may see for a purpose, value by value. ``agreements``: partner → the names of all it ever had.

    A record keeps the agreement of its newest identity. What that identity no longer had came in earlier, under
    whichever of the partner's agreements: such a value is shown only if every one of them would show it.
    """

    decision: Decision
    agreements: Mapping[str, frozenset[str]]

    def shows(self, record: Kept, field: str) -> bool:
        """May this record's value of the field be shown?"""
        by = {record.agreement}
        if field not in record.snapshot:
            by |= self.agreements.get(record.partner, frozenset())
        return all(self.decision.shows(agreement, field) for agreement in by)


@dataclass(frozen=True, slots=True)
class Shown:
    """An entity as a viewer may see it. ``asked`` is the id they asked by, ``entity`` the one it lives under now,
    ``purpose`` what it is shown for.

    ``records`` carry only values that may be shown; one of which nothing may be shown is left out. ``refused``: the
    entity is made of records, and none may be shown. ``building``: the place that a flat is in.
    """

    asked: UUID
    entity: UUID
    kind: Kind
    records: Sequence[Kept]
    golden: Mapping[str, Value]
    refused: bool
    purpose: str
    building: UUID | None = None

    @property
    def fields(self) -> list[str]:
        """The fields that are shown of any record, in the order of a page."""
        return in_order({field for record in self.records for field in record.identity})

    @property
    def agreements(self) -> set[str]:
        """The agreements that what is shown came in by."""
        return {record.agreement for record in self.records if record.identity}

    def only(self, records: Iterable[UUID]) -> "Shown":
        """The same, as if it had only these records."""
        wanted = set(records)
        kept = [record for record in self.records if record.id in wanted]
        return replace(self, records=kept, golden=golden_of([record for record in kept if record.identity]))


def shown(
    asked: UUID, entity: UUID, kind: Kind, members: Iterable[Kept], sight: Sight, *, oversees: bool = False
) -> Shown:
    """``members``: all the entity's records. Who ``oversees`` sees that each record is there, without its values."""
    cut = [cut_to(record, sight) for record in members]
    records = sorted((record for record in cut if record.identity or oversees), key=lambda r: (r.partner, r.id))
    golden = golden_of([record for record in records if record.identity])
    ordered = {field: golden[field] for field in in_order(golden)}
    return Shown(
        asked, entity, kind, records, ordered, refused=bool(cut) and not records, purpose=sight.decision.purpose
    )


def cut_to(record: Kept, sight: Sight) -> Kept:
    """The record with the values that may be shown, and nothing else of its identity."""
    fields = {field for field in record.identity if sight.shows(record, field)}
    return replace(
        record,
        identity={field: value for field, value in record.identity.items() if field in fields},
        times={field: time for field, time in record.times.items() if field in fields},
        snapshot=[field for field in record.snapshot if field in fields],
    )


def in_order(fields: Iterable[str]) -> list[str]:
    """Fields as a page lists them; ones it does not know last."""
    return sorted(fields, key=lambda field: (ORDER.index(field) if field in ORDER else len(ORDER), field))
