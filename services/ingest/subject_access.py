"""What ingest holds of one person: nothing, and why (shared/web/subject_access.py)."""

from collections.abc import Sequence
from uuid import UUID

from services.ingest.store import IngestStore
from shared.web import N_, Language
from shared.web.subject_access import Held

NOTHING = N_(
    "A receipt says that a partner's event came in, under the partner's number of it, and what became of it. It does "
    "not say whom the event is about, so none can be found by a person. What the event said went on and was not kept."
)


async def held(_: IngestStore, ids: Sequence[UUID], spoken: Language) -> Held:
    """No table here has a person in it."""
    return Held(service="ingest", ids=list(ids), left_out=[spoken.gettext(NOTHING)])
