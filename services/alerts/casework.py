"""What people do with alerts: look at one, take it on, say how it ended. Pages and API do it through here."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.alerts import metrics
from services.alerts.domain import Alert, Impossible, Outcome, Step, acknowledge, close, closing
from services.alerts.judgement import person
from services.alerts.showing import OTHERS, Scope, Showing, actor
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
    """Each method raises ``Unknown``, ``Refused`` (and writes that down) or ``Impossible``; a look ``Elsewhere`` where
    the alert may be opened in an emergency."""

    def __init__(
        self,
        worker: Worker[AlertStore],
        alerter: Alerter,
        showing: Showing,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._worker, self._alerter, self._showing, self._clock = worker, alerter, showing, clock

    async def look(self, viewer: Viewer, id: UUID) -> tuple[Seen, list[Past], list[Seen]]:
        """An alert, what happened to it, and the person's other alerts that the viewer may see, newest first."""
        scope = await self._showing.scope(viewer)
        async with self._worker.work() as work:
            found = await work.store.alert(id)
            past = await work.store.past(found.id) if found else []
            others = await work.store.all_of([found.entity]) if found else []
            scope = await self._with_override(work.store, scope, others)
        alert = await self._seen(scope, id, found)
        rest = [other for other in others if other.id != id and scope.holds(other)]
        await self._showing.shown(scope, [alert, *rest], "case")
        return scope.seen(alert), past, [scope.seen(other) for other in rest]

    async def one(self, viewer: Viewer, id: UUID) -> Seen:
        """An alert, and nothing else of the person."""
        scope = await self._showing.scope(viewer)
        async with self._worker.work() as work:
            found = await work.store.alert(id)
            scope = await self._with_override(work.store, scope, [found] if found else [])
        alert = await self._seen(scope, id, found)
        await self._showing.shown(scope, [alert], "api")
        return scope.seen(alert)

    async def acknowledge(self, viewer: Viewer, id: UUID, note: str) -> Alert:
        """Take an alert on. Doing it twice is harmless; another note is not lost in silence but refused."""
        return await self._do(viewer, id, lambda alert, now: acknowledge(alert, actor(viewer), note, now), note)

    async def close(self, viewer: Viewer, id: UUID, outcome: Outcome, note: str) -> Alert:
        """Say how an alert that was taken on ended. Doing it twice is harmless, as in ``acknowledge``."""
        return await self._do(
            viewer, id, lambda alert, now: close(alert, actor(viewer), outcome, note, now), note, outcome
        )

    async def _do(
        self,
        viewer: Viewer,
        id: UUID,
        decide: Callable[[Alert, datetime], Step],
        note: str,
        outcome: Outcome | None = None,
    ) -> Alert:
        """The alert, of which where it stands may be told; that is written down also when nothing was to be done."""
        now, scope = self._clock(), await self._showing.scope(viewer)
        async with self._worker.work() as work:
            await work.store.lock_writers()
            alert = await work.store.lock_alert(id)
            step, impossible = None, None
            if alert is not None and scope.holds(alert):
                try:
                    step = decide(alert, now)
                except Impossible as error:
                    same = alert.outcome is outcome and await self._was_done(work.store, alert, viewer, note)
                    impossible = None if same else error
            if step is not None:
                await self._keep(work, step, now)
        if step is not None:
            metrics.CHANGES.labels(step.after.initiative, step.change).inc()
        alert = await self._there(viewer, id, alert)
        if not scope.holds(alert):
            await self._showing.refuse(viewer, OTHERS, alert)
        if step is not None:
            return step.after
        await self._showing.told(viewer, alert)
        if impossible is not None:
            raise impossible
        return alert

    async def _was_done(self, store: AlertStore, alert: Alert, viewer: Viewer, note: str) -> bool:
        """Whether it was this person who brought the alert to where it is, with these words."""
        arrived = [one for one in await store.history_of([alert.id]) if one.change == alert.state.value][-1:]
        return any(one.actor == viewer.subject and one.note == note for one in arrived)

    async def _with_override(self, store: AlertStore, scope: Scope, alerts: Sequence[Alert]) -> Scope:
        """The scope with what the viewer has open of these alerts' one person, should any of them be another team's."""
        others = [alert for alert in alerts if scope.opens(alert)]
        if not others:
            return scope
        person = others[0].entity
        return scope.opened(person, await store.override_of(scope.viewer.subject, person), self._clock())

    async def _seen(self, scope: Scope, id: UUID, found: Alert | None) -> Alert:
        """The alert that was found, if it is there and may be seen: otherwise that is written down."""
        alert = await self._there(scope.viewer, id, found)
        if not scope.holds(alert):
            await self._showing.keep_out(scope, alert)
        return alert

    async def _there(self, viewer: Viewer, id: UUID, found: Alert | None) -> Alert:
        if found is None:
            await self._showing.missing(viewer, id)
            raise Unknown(str(id))
        return found

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
