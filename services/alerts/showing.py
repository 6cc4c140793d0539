"""Who may see which alert, and that it is written down before they do."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID

from services.alerts import metrics
from services.alerts.domain import Actor, Alert
from services.alerts.overrides import Override
from services.alerts.purposes import Purposes
from services.alerts.store import AlertStore
from services.alerts.views import Opening, Seen
from shared.contracts import Access, Action, Outcome
from shared.contracts.alerts import State
from shared.web import N_, Refused, Viewer
from shared.web.viewer import PRACTITIONER
from shared.work import Worker

FIELDS = ["initiative", "score", "reasons", "state", "team"]
STANDS = ["state", "version"]
"""All that is told to whoever would change an alert: to see more they must look at it."""
WHOSE = ["team"]
"""All that is told of another team's alert to whoever may open it in an emergency."""
OPENING = ["actor", "team", "reason", "until", "verdict", "note"]
"""What a supervisor is shown of an override."""
OTHERS = N_("This alert is another team's, or not for your role. Your attempt to see it has been recorded.")
NOT_YOURS = N_("Alerts are for the people who act on them and for their supervisors.")
NO_TEAM = N_("Your account names no team, so no alerts can be shown to you. Ask your supervisor to have it added.")


class Elsewhere(Refused):
    """Refused an alert that is another ``team``'s, and that may be opened in an emergency."""

    def __init__(self, team: str) -> None:
        super().__init__(OTHERS)
        self.team = team


@dataclass(frozen=True)
class Scope:
    """What one viewer may see: alerts of a team (``None``: every team's) in these initiatives, each with the features
    that may be shown as reasons; and of other teams' those of people whom the viewer has opened (``overrides``)."""

    viewer: Viewer
    team: str | None
    features: Mapping[str, frozenset[str]]
    overrides: Mapping[UUID, Override] = field(default_factory=dict)

    def holds(self, alert: Alert) -> bool:
        """Whether the alert may be looked at. Who would change it must not ask with ``overrides``."""
        return alert.initiative in self.features and (self._owns(alert) or alert.entity in self.overrides)

    def opens(self, alert: Alert) -> bool:
        """Whether it is another team's, that the viewer may open in an emergency; of the erased there is nothing."""
        return alert.initiative in self.features and not self._owns(alert) and alert.state is not State.ERASED

    def override_of(self, alert: Alert) -> Override | None:
        """By which override the alert is seen, if it is another team's."""
        return None if self._owns(alert) else self.overrides.get(alert.entity)

    def opened(self, person: UUID, override: Override | None, now: datetime) -> "Scope":
        """The scope with a person's alerts of all teams, while an override of theirs is open."""
        return replace(self, overrides={person: override}) if override is not None and override.is_open(now) else self

    def _owns(self, alert: Alert) -> bool:
        return self.team in (None, alert.team)

    def seen(self, alert: Alert) -> Seen:
        """The alert without the reasons that no agreement lets the viewer see."""
        shown = self.features[alert.initiative]
        reasons = tuple(reason for reason in alert.reasons if reason.feature in shown)
        return Seen(replace(alert, reasons=reasons), len(alert.reasons) - len(reasons), self.override_of(alert))


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
        """Raises ``Refused`` for whoever neither acts on alerts nor supervises those who do, and for whoever acts in no
        team; writes that down."""
        if viewer.kind not in (PRACTITIONER, "supervisor"):
            await self.refuse(viewer)
        team = None if viewer.kind == "supervisor" else viewer.team
        if team == "":
            await self.refuse(viewer, NO_TEAM)
        return Scope(viewer, team, self._purposes.features(viewer.role, datetime.now(UTC).date()))

    async def shown(self, scope: Scope, alerts: Iterable[Alert], where: str) -> None:
        """One entry an alert, or one that nothing was found. Returns when they are durable: show nothing before.

        Raises ``Unavailable`` when they cannot be written; then nothing may be shown.
        """
        now = datetime.now(UTC)
        entries = [self._look(scope, alert, now) for alert in alerts]
        await self._write(entries or [self.entry(scope.viewer, None, now, Outcome.EMPTY)])
        metrics.DISCLOSURES.labels(where).inc(len(entries))

    async def reviewed(self, viewer: Viewer, openings: Iterable[Opening]) -> None:
        """As ``shown``, for what supervisors see of overrides: that a person's case was opened, by whom and why."""
        now = datetime.now(UTC)
        entries = [
            self.entry(viewer, one.alert, now, fields=OPENING, reference=f"{one.override.reference}:review")
            for one in openings
        ]
        await self._write(entries or [self.entry(viewer, None, now, Outcome.EMPTY, reference="overrides")])

    async def told(self, viewer: Viewer, alert: Alert, fields: Sequence[str] = STANDS) -> None:
        """Writes that somebody was told where an alert stands, and no more of it."""
        await self._write([self.entry(viewer, alert, datetime.now(UTC), fields=fields)])

    async def missing(self, viewer: Viewer, id: UUID, what: str = "alert") -> None:
        """Writes that somebody asked for an alert that there is not: that too says something of a person."""
        nothing = self.entry(viewer, None, datetime.now(UTC), Outcome.EMPTY, reference=f"{what}:{id}")
        await self._write([nothing])

    async def refused(self, viewer: Viewer, alert: Alert | None, fields: Sequence[str] = ()) -> None:
        """Writes that somebody was refused, and what they were told all the same."""
        await self._write([self.entry(viewer, alert, datetime.now(UTC), Outcome.REFUSED, fields)])

    async def refuse(self, viewer: Viewer, why: str = NOT_YOURS, alert: Alert | None = None) -> NoReturn:
        """Writes that somebody was refused. Raises ``Refused``."""
        await self.refused(viewer, alert)
        raise Refused(why)

    async def keep_out(self, scope: Scope, alert: Alert) -> NoReturn:
        """Writes that somebody was refused a look. Raises ``Elsewhere`` for whoever may open the alert in an emergency,
        else ``Refused``."""
        if not scope.opens(alert):
            await self.refuse(scope.viewer, OTHERS, alert)
        await self.refused(scope.viewer, alert, WHOSE)
        raise Elsewhere(alert.team)

    def _look(self, scope: Scope, alert: Alert, now: datetime) -> Access:
        override = scope.override_of(alert)
        return self.entry(scope.viewer, alert, now, reference=override.reference if override else "")

    def entry(
        self, viewer: Viewer, alert: Alert | None, now: datetime, outcome: Outcome = Outcome.ALLOWED,
        fields: Sequence[str] | None = None, *, action: Action = Action.DISCLOSURE, reference: str = "",
    ) -> Access:  # fmt: skip
        """An audit entry: all fields of an alert that was shown, where no others are named; ``reference`` to it."""
        purpose = self._purposes.of(alert.initiative) if alert else self._purposes.all
        shown = FIELDS if outcome is Outcome.ALLOWED else []
        return Access(
            at=now, actor=viewer.subject, role=viewer.role, service="alerts", action=action,
            subject=alert.entity if alert else None, purpose=purpose,
            agreement=self._purposes.agreements(purpose, now.date()) if alert else "",
            fields=[*(shown if fields is None else fields)], outcome=outcome,
            reference=reference or (f"alert:{alert.id}" if alert else "queue"),
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
