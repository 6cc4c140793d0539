"""``audit.accesses``: who did what with whose data, for which purpose, under which agreement."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from shared.contracts.envelope import Contract


class Action(StrEnum):
    """The six processing operations that the Data Protection Act 2018 s.62 wants logged, and decisions."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"
    DECISION = "decision"


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    EMPTY = "empty"


NOTHING_LEFT = "erasure:"
"""So begins the ``reference`` of linkage's erasure of an id under which nothing is left there: not of one that only
lost records, for behind it somebody may live."""


class Access(Contract):
    """One entry per subject per result; refusals and empty searches too (then ``subject`` is ``None``).

    ``actor`` is a person's subject id at the issuer, or ``service:<name>``; ``fields`` are names of fields, never
    their values; ``reference`` is what the entry is about (an alert, a receipt, an event's id).
    """

    at: datetime
    actor: str
    role: str
    service: str
    action: Action
    subject: UUID | None
    purpose: str
    agreement: str
    fields: list[str] = Field(default_factory=list)  # pydantic copies any other default for each entry
    outcome: Outcome = Outcome.ALLOWED
    reference: str = ""
    trace: str = ""

    @property
    def leaves_nothing(self) -> bool:
        """Whether linkage says here that it erased the subject: only then may the audit log forget them too."""
        said = (self.service, self.action, self.outcome) == ("linkage", Action.ERASURE, Outcome.ALLOWED)
        return said and self.reference.startswith(NOTHING_LEFT)


class Accesses(Contract):
    """The entries of one transaction, packed into one message."""

    entries: list[Access]
