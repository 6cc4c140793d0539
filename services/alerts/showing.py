"""Who may see which alert, and that it is written down before they do."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from services.alerts.domain import Actor, Alert
from services.alerts.metrics import SHOWN
from services.alerts.purposes import Purposes
from services.alerts.store import AlertStore
from services.alerts.views import Seen
from shared.contracts import Access, Action, Outcome
from shared.web import N_, Refused, Viewer
from shared.web.viewer import PRACTITIONER
from shared.work import Worker

FIELDS = ["initiative", "score", "reasons", "state", "team"]
OTHERS = N_("This alert is another team's, or not for your role. Your attempt to see it has been recorded.")
NOT_YOURS = N_("Alerts are for the people who act on them and for their supervisors.")


@dataclass(frozen=True)
class Scope:
    """What one viewer may see: alerts of a team (``None``: every team's) in these initiatives, each with the features
    that may be shown as reasons."""

    viewer: Viewer
    team: str | None
    features: Mapping[str, frozenset[str]]

    def holds(self, alert: Alert) -> bool:
        return self.team in (None, alert.team) and alert.initiative in self.features

    def seen(self, alert: Alert) -> Seen:
        """The alert without the reasons that no agreement lets the viewer see."""
        shown = self.features[alert.initiative]
        reasons = tuple(reason for reason in alert.reasons if reason.feature in shown)
        return Seen(replace(alert, reasons=reasons), len(alert.reasons) - len(reasons))


def actor(viewer: Viewer) -> Actor:
    """The viewer as the one who acts."""
    return Actor(viewer.subject, viewer.name, viewer.role)


class Showing:
    """Writes the audit entries of what is shown. Entries of requests that come at once share a transaction."""

    def __init__(self, worker: Worker[AlertStore], purposes: Purposes) -> None:
        self._worker, self._purposes = worker, purposes
        self._entries: list[Access] = []
        self._writing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def scope(self, viewer: Viewer) -> Scope:
        """Raises ``Refused`` for whoever neither acts on alerts nor supervises those who do, and writes that down."""
        if viewer.kind not in (PRACTITIONER, "supervisor"):
            await self.refuse(viewer, None)
        team = None if viewer.kind == "supervisor" else viewer.team
        return Scope(viewer, team, self._purposes.features(viewer.role, datetime.now(UTC).date()))

    async def shown(self, viewer: Viewer, alerts: Iterable[Alert], where: str) -> None:
        """One entry an alert, or one that nothing was found. Returns when they are durable: show nothing before.

        Raises ``Unavailable`` when they cannot be written; then nothing may be shown.
        """
        now = datetime.now(UTC)
        entries = [self._entry(viewer, alert, now) for alert in alerts]
        await self._write(entries or [self._entry(viewer, None, now, Outcome.EMPTY)])
        SHOWN.labels(where).inc(len(entries))

    async def refuse(self, viewer: Viewer, alert: Alert | None) -> None:
        """Writes that somebody was refused. Raises ``Refused``."""
        await self._write([self._entry(viewer, alert, datetime.now(UTC), Outcome.REFUSED)])
        raise Refused(OTHERS if alert is not None else NOT_YOURS)

    def _entry(self, viewer: Viewer, alert: Alert | None, now: datetime, outcome: Outcome = Outcome.ALLOWED) -> Access:
        purpose = self._purposes.of(alert.initiative) if alert else self._purposes.all
        return Access(
            at=now, actor=viewer.subject, role=viewer.role, service="alerts", action=Action.DISCLOSURE,
            subject=alert.entity if alert else None, purpose=purpose,
            agreement=self._purposes.agreements(purpose, now.date()) if alert else "",
            fields=FIELDS if outcome is Outcome.ALLOWED else [], outcome=outcome,
            reference=f"alert:{alert.id}" if alert else "queue",
        )  # fmt: skip

    async def _write(self, entries: Sequence[Access]) -> None:
        self._entries += entries
        if self._next is None:
            self._next = asyncio.create_task(self._write_after(self._writing))
        await asyncio.shield(self._next)  # one page that goes away leaves the others' entries alone

    async def _write_after(self, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._writing, self._next = self._next, None
        entries, self._entries = self._entries, []
        async with self._worker.work() as work:
            work.audit(entries)
