"""What people do with alerts: look at one, take it on, say how it ended. Pages and API do it through here."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from services.alerts.domain import Alert, Impossible, Outcome, Step, acknowledge, close, closing
from services.alerts.judgement import person
from services.alerts.metrics import STEPS
from services.alerts.showing import Showing, actor
from services.alerts.store import AlertStore
from services.alerts.stream import SOURCE, Alerter, changed
from services.alerts.views import Past, Seen
from shared.contracts.alerts import State
from shared.contracts.envelope import first
from shared.web import Viewer
from shared.work import Work, Worker

LONGEST_NOTE = 2000


class Unknown(LookupError):
    """There is no such alert."""


class Casework:
    """Each method raises ``Unknown``, ``Refused`` (and writes that down) or ``Impossible``."""

    def __init__(self, worker: Worker[AlertStore], alerter: Alerter, showing: Showing) -> None:
        self._worker, self._alerter, self._showing = worker, alerter, showing

    async def look(self, viewer: Viewer, id: UUID) -> tuple[Seen, list[Past], list[Seen]]:
        """An alert, what happened to it, and the person's other alerts that the viewer may see, newest first."""
        scope = await self._showing.scope(viewer)
        async with self._worker.work() as work:
            alert = await work.store.one(id)
            past = await work.store.past(alert.id) if alert else []
            others = await work.store.all_of([alert.entity]) if alert else []
        if alert is None:
            raise Unknown(str(id))
        if not scope.holds(alert):
            await self._showing.refuse(viewer, alert)
        rest = [other for other in others if other.id != id and scope.holds(other)]
        await self._showing.shown(viewer, [alert, *rest], "case")
        return scope.seen(alert), past, [scope.seen(other) for other in rest]

    async def acknowledge(self, viewer: Viewer, id: UUID, note: str) -> Seen:
        """Take an alert on. Doing it twice is harmless."""

        def decide(alert: Alert, now: datetime) -> Step | None:
            if alert.state is State.ACKNOWLEDGED and alert.keeper == viewer.subject:
                return None
            return acknowledge(alert, actor(viewer), note, now)

        return await self._do(viewer, id, decide)

    async def close(self, viewer: Viewer, id: UUID, outcome: Outcome, note: str) -> Seen:
        """Say how an alert that was taken on ended. Doing it twice with the same outcome is harmless."""

        def decide(alert: Alert, now: datetime) -> Step | None:
            if alert.state is State.CLOSED and alert.outcome is outcome:
                return None
            return close(alert, actor(viewer), outcome, note, now)

        return await self._do(viewer, id, decide)

    async def _do(self, viewer: Viewer, id: UUID, decide: Callable[[Alert, datetime], Step | None]) -> Seen:
        now, scope = datetime.now(UTC), await self._showing.scope(viewer)
        async with self._worker.work() as work:
            await work.store.turn()
            alert = await work.store.alert(id)
            step = decide(alert, now) if alert is not None and scope.holds(alert) else None
            if step is not None:
                await self._keep(work, step, now)
        if step is not None:
            STEPS.labels(step.after.initiative, step.change).inc()
        if alert is None:
            raise Unknown(str(id))
        if not scope.holds(alert):
            await self._showing.refuse(viewer, alert)
        return scope.seen(step.after if step else alert)

    async def _keep(self, work: Work[AlertStore], step: Step, now: datetime) -> None:
        alert = step.after
        await work.store.keep([step])
        rule = self._alerter.rules.get(alert.initiative)
        if alert.state is State.CLOSED and rule is not None:
            known = await work.store.known([alert.entity], now)
            standing = closing(person(known, rule, alert.entity))
            await work.store.stand({(alert.initiative, alert.entity): standing})
        work.say([first(SOURCE, str(alert.entity), changed(alert), now)])
        work.audit([self._alerter.decision(step, now)])


__all__ = ["LONGEST_NOTE", "Casework", "Impossible", "Unknown"]
