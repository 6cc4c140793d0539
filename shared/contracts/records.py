"""``ingest.records``: a partner's event, checked against its agreement and brought to normal form."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.ids import id_of

Fact = bool | int | float | str


class Kind(StrEnum):
    """What a record is about."""

    PERSON = "person"
    PLACE = "place"
    ORGANISATION = "organisation"


class Record(Contract):
    """What one partner says of one subject. ``identity`` is in normal form: absent means unknown.

    Identity leaves ingest for linkage and goes no further.
    """

    id: UUID
    kind: Kind
    identity: dict[str, str]


class RecordsAccepted(Contract):
    """One accepted event: who and where it is about, and what happened."""

    partner: str
    agreement: str
    type: str
    occurred: datetime
    purposes: list[str]
    records: list[Record]
    facts: dict[str, Fact]


def without_id(source: str, event_id: str) -> str:
    """What stands for the local id of a person for whom the partner has none: the event, since two people can be
    described alike. No local id has a line break in it."""
    return f"\n{source}\n{event_id}"


def record_id(partner: str, kind: Kind, local_id: str) -> UUID:
    """The id of a partner's record: a function of what the partner calls it, so every replica agrees.

    A keyless hash hides nothing from somebody who knows the local ids; it keeps them out of topics and logs.
    """
    return id_of(partner, kind, local_id)
