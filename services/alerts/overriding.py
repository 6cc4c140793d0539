"""What people do about break-glass (``overrides.py``): open another team's case, see what was opened, review it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.alerts import metrics
from services.alerts.casework import Unknown
from services.alerts.digests import letters
from services.alerts.domain import Alert
from services.alerts.overrides import Override, OwnOverride, Reviewed, Unworded, Verdict, give, review
from services.alerts.settings import AlertSettings
from services.alerts.showing import OTHERS, WHOSE, Scope, Showing, actor
from services.alerts.store import AlertStore
from services.alerts.views import Opening, Unreviewed
from shared.contracts import Access, Action
from shared.contracts.alerts import State
from shared.errors import Unavailable
from shared.web import N_, Viewer
from shared.work import Work, Worker

LOOK_SECONDS = 30.0
NOT_A_REVIEWER = N_("Cases that were opened in an emergency are reviewed by supervisors.")
NOT_YOUR_OWN = N_("You opened this case yourself, so another supervisor must review it.")

Part = tuple[int, int]
"""Limit and offset."""


class Needless(Exception):
    """Nothing to open: the viewer may see the alert as it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A part of what was opened, and whether there is more after it."""

    openings: Sequence[Opening]
    more: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """What a supervisor is shown."""

    waiting: Found
    reviewed: Found
    unreviewed: Unreviewed


class Overriding:
    """Each method raises ``Refused`` for whoever may not, and writes that down."""

    def __init__(
        self,
        worker: Worker[AlertStore],
        showing: Showing,
        settings: AlertSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._worker, self._showing, self._settings, self._clock = worker, showing, settings, clock
        self.lasts = timedelta(seconds=settings.override_seconds)

    async def open(self, viewer: Viewer, id: UUID, reason: str) -> Override:
        """Open the case of the person whom an alert is about. Raises ``Unknown``, ``Needless`` or ``Unworded``."""
        now, scope = self._clock(), await self._showing.scope(viewer)
        given, wrong = None, None
        async with self._worker.work() as work:
            await work.store.lock_writers()
            alert = await work.store.alert(id)
            if alert is not None and scope.opens(alert):
                try:
                    given = await self._give(work, scope, alert, reason, now)
                except Unworded as error:
                    wrong = error
        if given is not None:
            if given.given_at == now:
                metrics.OVERRIDES.labels("opened").inc()
            return given
        if alert is None:
            await self._showing.missing(viewer, id)
            raise Unknown(str(id))
        if wrong is not None:
            await self._showing.refused(viewer, alert, WHOSE)
            raise Unworded(wrong.fault, alert.team)
        if not scope.holds(alert):
            await self._showing.refuse(viewer, OTHERS, alert)
        await self._showing.told(viewer, alert, WHOSE)
        raise Needless

    async def _give(
        self, work: Work[AlertStore], scope: Scope, alert: Alert, reason: str, now: datetime
    ) -> Override:  # fmt: skip
        viewer, store = scope.viewer, work.store
        before = await store.override_of(viewer.subject, alert.entity)
        override = give(alert, actor(viewer), viewer.team, reason, before, now, self.lasts)
        if override is before:
            work.audit([self._showing.entry(viewer, alert, now, fields=["until"], reference=before.reference)])
            return before
        whole = [one for one in await store.all_of([alert.entity]) if one.state is not State.JOINED or one == alert]
        opened = [one for one in whole if scope.opens(one)]
        await store.give(override, opened)
        told = letters(override, opened, self._settings.mail_to, self._settings.mail_review)
        await store.write_of_override(override, told)
        work.audit([self._decision(viewer, alert, now, "until", override.reference)])
        return override

    async def review(self, viewer: Viewer, id: UUID, verdict: Verdict, note: str) -> Override:
        """Say what to think of an override. Doing it twice is harmless. Raises ``Unknown``, ``Reviewed`` or
        ``Unworded``."""
        now = self._clock()
        await self._admit(viewer)
        own, failed, reviewed = False, None, None
        async with self._worker.work() as work:
            await work.store.lock_writers()  # an erasure comes before or after it, words and all
            found = await work.store.lock_override(id)
            if found is not None:
                try:
                    reviewed = await self._review(work, viewer, found, verdict, note, now)
                except OwnOverride:
                    own = True
                except (Reviewed, Unworded) as error:
                    failed = error
        if reviewed is not None:
            if reviewed.reviewed_at == now:
                metrics.OVERRIDES.labels(verdict).inc()
            return reviewed
        if found is None:
            await self._showing.missing(viewer, id, "override")
            raise Unknown(str(id))
        if own:
            await self._showing.refuse(viewer, NOT_YOUR_OWN, found.alert)
        assert failed is not None
        await self._showing.reviewed(viewer, [found])
        raise failed

    async def _review(
        self, work: Work[AlertStore], viewer: Viewer, found: Opening, verdict: Verdict, note: str, now: datetime
    ) -> Override:
        reviewed = review(found.override, actor(viewer), verdict, note, now)
        if reviewed is found.override:
            reference = f"{reviewed.reference}:review"
            work.audit([self._showing.entry(viewer, found.alert, now, fields=["verdict"], reference=reference)])
            return reviewed
        if found.alert.state is State.ERASED:
            reviewed = replace(reviewed, note="")
        await work.store.review(reviewed, found.alert)
        work.audit([self._decision(viewer, found.alert, now, "verdict", f"{reviewed.reference}:{verdict}")])
        return reviewed

    async def listed(self, viewer: Viewer, waiting: Part, reviewed: Part) -> Listed:
        """What was opened in an emergency: of that without a verdict and of that with one each a part."""
        await self._admit(viewer)
        async with self._worker.work() as work:
            listed = Listed(
                await _found(work.store, waiting, reviewed=False),
                await _found(work.store, reviewed, reviewed=True),
                await work.store.unreviewed(),
            )
        await self._showing.reviewed(viewer, [*listed.waiting.openings, *listed.reviewed.openings])
        return listed

    async def watch(self) -> None:
        """Forever: say how many wait for their review, and how long."""
        while True:
            with suppress(Unavailable):
                async with self._worker.work() as work:
                    waiting = await work.store.unreviewed()
                metrics.UNREVIEWED.set(waiting.number)
                metrics.UNREVIEWED_SECONDS.set((self._clock() - waiting.since).total_seconds() if waiting.since else 0)
            await asyncio.sleep(LOOK_SECONDS)

    async def _admit(self, viewer: Viewer) -> None:
        if viewer.kind != "supervisor":
            await self._showing.refuse(viewer, NOT_A_REVIEWER)

    def _decision(self, viewer: Viewer, alert: Alert, now: datetime, field: str, reference: str) -> Access:
        return self._showing.entry(viewer, alert, now, fields=[field], action=Action.DECISION, reference=reference)


async def _found(store: AlertStore, part: Part, *, reviewed: bool) -> Found:
    limit, offset = part
    found = await store.overrides(limit + 1, offset, reviewed=reviewed) if limit else []
    return Found(found[:limit], len(found) > limit)
