"""INTERIM (by whoever writes the pages): per field the value most records have, the newest of several; replace freely.

Pages and API use ``golden_of`` and ``Value``'s attributes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.linkage.records import Kept


@dataclass(frozen=True, slots=True)
class Value:
    """One field of a golden record: where it comes from, when it was last published, and why it won."""

    value: str
    record: UUID
    partner: str
    at: datetime
    because: str


def golden_of(records: Sequence[Kept]) -> Mapping[str, Value]:
    """The golden record of these records and no others."""
    found: defaultdict[str, defaultdict[str, list[Kept]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for field, value in record.identity.items():
            found[field][value].append(record)
    return {field: _survivor(field, values) for field, values in found.items()}


def _survivor(field: str, values: Mapping[str, Sequence[Kept]]) -> Value:
    value, bearers = max(values.items(), key=lambda pair: (len(pair[1]), max(_at(r, field) for r in pair[1]), pair[0]))
    newest = max(bearers, key=lambda record: (_at(record, field), record.id))
    because = "only" if len(values) == 1 else "most" if len(bearers) > 1 else "newest"
    return Value(value, newest.id, newest.partner, _at(newest, field), because)


def _at(record: Kept, field: str) -> datetime:
    published = datetime.fromtimestamp(record.times[field], UTC)
    return max(published, record.seen) if field in record.snapshot else published
