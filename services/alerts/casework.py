"""What people do with alerts: look at one, take it on, say how it ended. Pages and API do it through here."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from services.alerts.domain import Alert, Impossible, Outcome, Step, acknowledge, close, closing
from services.alerts.judgement import person
from services.alerts.metrics import STEPS
from services.alerts.showing import Scope, Showing, actor
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
        alert = await self._held(scope, id, alert)
        rest = [other for other in others if other.id != id and scope.holds(other)]
        await self._showing.shown(viewer, [alert, *rest], "case")
        return scope.seen(alert), past, [scope.seen(other) for other in rest]

    async def one(self, viewer: Viewer, id: UUID) -> Seen:
        """An alert, and nothing else of the person."""
        scope = await self._showing.scope(viewer)
        async with self._worker.work() as work:
            found = await work.store.one(id)
        alert = await self._held(scope, id, found)
        await self._showing.shown(viewer, [alert], "api")
        return scope.seen(alert)

    async def acknowledge(self, viewer: Viewer, id: UUID, note: str) -> Alert:
        """Take an alert on. Doing it twice is harmless."""

        def decide(alert: Alert, now: datetime) -> Step | None:
            if alert.state is State.ACKNOWLEDGED and alert.keeper == viewer.subject:
                return None
            return acknowledge(alert, actor(viewer), note, now)

        return await self._do(viewer, id, decide)

    async def close(self, viewer: Viewer, id: UUID, outcome: Outcome, note: str) -> Alert:
        """Say how an alert that was taken on ended. Doing it twice with the same outcome is harmless."""

        def decide(alert: Alert, now: datetime) -> Step | None:
            if alert.state is State.CLOSED and alert.outcome is outcome:
                return None
            return close(alert, actor(viewer), outcome, note, now)

        return await self._do(viewer, id, decide)

    async def _do(self, viewer: Viewer, id: UUID, decide: Callable[[Alert, datetime], Step | None]) -> Alert:
        """The alert, of which where it stands may be told; that is written down also when nothing was to be done."""
        now, scope = datetime.now(UTC), await self._showing.scope(viewer)
        async with self._worker.work() as work:
            await work.store.turn()
            alert = await work.store.alert(id)
            step, impossible = None, None
            if alert is not None and scope.holds(alert):
                try:
                    step = decide(alert, now)
                except Impossible as error:
                    impossible = error
            if step is not None:
                await self._keep(work, step, now)
        if step is not None:
            STEPS.labels(step.after.initiative, step.change).inc()
        alert = await self._held(scope, id, alert)
        if step is not None:
            return step.after
        await self._showing.told(viewer, alert)
        if impossible is not None:
            raise impossible
        return alert

    async def _held(self, scope: Scope, id: UUID, alert: Alert | None) -> Alert:
        """The alert that was found, if it is there and may be seen: otherwise that is written down."""
        if alert is None:
            await self._showing.missing(scope.viewer, id)
            raise Unknown(str(id))
        if not scope.holds(alert):
            await self._showing.refuse(scope.viewer, alert)
        return alert

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
