"""``linkage.facts``: what happened, to which entity. No identity."""

from datetime import datetime
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.contracts.records import Fact, Kind


class LinkedSubject(Contract):
    """A record of the event and the entity it belonged to at linkage's ``version`` (see ``EntityChanged``)."""

    kind: Kind
    record: UUID
    entity: UUID
    version: int


class FactLinked(Contract):
    """One partner's event after linkage: the facts and whom they are about."""

    partner: str
    agreement: str
    type: str
    occurred: datetime
    purposes: list[str]
    subjects: list[LinkedSubject]
    facts: dict[str, Fact]
