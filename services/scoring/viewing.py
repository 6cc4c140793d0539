"""Who may see a score, and which of its reasons: the agreements say so, and nothing else does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request

from services.scoring.judging import Running
from shared.access import Agreements, Decision, decide, shows_reason
from shared.contracts import Access, Action, Outcome
from shared.initiatives import Feature
from shared.web import Callers, Viewer, requires
from shared.web.viewer import PRACTITIONER

OVERSIGHT = frozenset({"auditor"})
"""May see whole receipts, for any purpose and of any team: how a score was made, not whom it is about."""

OF_INITIATIVES = requires("supervisor", "analyst", "auditor")
"""FastAPI dependency: who answers for initiatives sees what each is for, what it runs on, and how its scores lie."""


@dataclass(frozen=True)
class Asker:
    """A person at the screen (or at another service's), the purpose they name, and what it allows them."""

    viewer: Viewer
    purpose: str
    decision: Decision

    def may_see(self, one: Running) -> bool:
        return self.decision.allowed and self.purpose == one.initiative.purpose

    def works_in(self, team: str | None) -> bool:
        """Whether a team's scores are theirs to see: to a practitioner those of their own team are, as in alerts, and
        one that is no team's (any more) is not; to the others every team's."""
        return self.viewer.kind != PRACTITIONER or (bool(team) and self.viewer.team == team)

    @property
    def oversees(self) -> bool:
        return self.viewer.role in OVERSIGHT


class Reception:
    """Knows who asks. ``key``: JIGSAW_SESSION_KEY, which signs service tokens."""

    def __init__(self, key: str, agreements: Agreements) -> None:
        self._callers, self._agreements = Callers(key, "scoring"), agreements

    async def asker(self, request: Request, purpose: str) -> Asker:
        """Whoever sent the request, for the purpose it names, else for its token's. Raises 401 and 403."""
        caller = await self._callers.asking(request)
        wanted = purpose or caller.purpose
        return Asker(caller.person, wanted, decide(self._agreements, caller.person.role, wanted, _today()))

    def shown(self, asker: Asker, one: Running, names: Iterable[str]) -> list[str]:
        """Which of a score's features may be shown, in their order: to oversight all, to others those that the
        agreements show. One that the initiative does not name (any more) is shown to nobody else."""
        features = {feature.name: feature for feature in one.initiative.statement.data.features}
        return [name for name in names if asker.oversees or self._shows(asker, features.get(name))]

    def _shows(self, asker: Asker, feature: Feature | None) -> bool:
        return feature is not None and shows_reason(self._agreements, asker.decision, feature)


def entry(asker: Asker, about: Mapping[str, object], outcome: Outcome, action: Action = Action.DISCLOSURE) -> Access:
    """The audit entry of an answer. ``about``: subject, agreement, fields and reference, where there are any."""
    return Access.model_validate(
        {
            "at": datetime.now(UTC), "actor": asker.viewer.subject, "role": asker.viewer.role, "service": "scoring",
            "action": action, "subject": None, "purpose": asker.purpose, "agreement": "", "outcome": outcome, **about,
        }
    )  # fmt: skip


def _today() -> date:
    return datetime.now(UTC).date()
