"""``jigsaw.dead-letters``: that a message could not be handled, and why. The message itself stays sealed in the
service's own database (``dead_letters``), so no personal data is here."""

from datetime import datetime
from uuid import UUID

from shared.contracts.envelope import Contract


class DeadLettered(Contract):
    id: UUID
    service: str
    topic: str
    partition: int
    offset: int
    reason: str
    at: datetime
