"""What alerts hears and says. Both handlers do the same: load, judge (pure), keep, say."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.alerts import metrics
from services.alerts.domain import Alert, Rule, Step
from services.alerts.judgement import Heard, judge
from services.alerts.purposes import Purposes
from services.alerts.standing import Score, Thresholds
from services.alerts.store import AlertStore
from shared.bus import Effects, hears
from shared.contracts import Access, Action, AlertChanged, Change, EntityChanged, Event, ScoreChanged, Topic
from shared.initiatives import Initiative, Initiatives

SOURCE = "/services/alerts"


class Alerter:
    """The handlers, with the rules of all initiatives."""

    def __init__(self, initiatives: Initiatives, purposes: Purposes) -> None:
        self._purposes = purposes
        self.rules: Mapping[str, Rule] = {one.name: rule_of(one) for one in initiatives}

    @hears(Topic.SCORES)
    async def weigh(self, events: Sequence[Event[ScoreChanged]], store: AlertStore, now: datetime) -> Effects:
        """Open, revise, lapse or leave alone the alert of each scored person; follow who was merged."""
        said = Heard(scores=[((event.body.initiative, event.body.entity), _score(event.body)) for event in events])
        return await self._judge(events, said, store, now)

    @hears(Topic.ENTITIES, matters=lambda change: bool(change.into or change.gone) or change.change is Change.ERASED)
    async def follow(self, events: Sequence[Event[EntityChanged]], store: AlertStore, now: datetime) -> Effects:
        """Alerts follow a merge to the survivor and are emptied by an erasure, ended ones when any record goes; a split
        leaves them where the id is."""
        bodies = [event.body for event in events]
        said = Heard(
            said_merges=[(body.entity, body.into) for body in bodies if body.into is not None],
            erased=[body.entity for body in bodies if body.change is Change.ERASED],
            thinned=[body.entity for body in bodies if body.gone],
        )
        return await self._judge(events, said, store, now)

    async def _judge(self, events: Sequence[Event[Any]], said: Heard, store: AlertStore, now: datetime) -> Effects:
        await store.lock_writers()
        changes = judge(await store.known(said.entities, now, ended=said.regroups), said, self.rules, now)
        await store.change(changes)
        news = [step for step in changes.steps if step.news]
        for step in news:
            metrics.CHANGES.labels(step.after.initiative, step.change).inc()
        causes = {event.body.entity: event for event in events}
        says = [
            _cause(step, causes, events).causes(SOURCE, str(step.after.entity), changed(step.after), now)
            for step in news
        ]
        return Effects(says=says, audits=[self.decision(step, now) for step in news])

    def decision(self, step: Step, now: datetime) -> Access:
        """The audit entry of one change of one alert."""
        alert, purpose = step.after, self._purposes.of(step.after.initiative)
        return Access(
            at=now, actor=step.actor.id, role=step.actor.role, service="alerts", action=Action.DECISION,
            subject=alert.entity, purpose=purpose, agreement=self._purposes.agreements(purpose, now.date()),
            fields=[*step.differences], reference=f"alert:{alert.id}:{step.change}",
        )  # fmt: skip


def changed(alert: Alert) -> AlertChanged:
    """The alert as others hear of it."""
    return AlertChanged(
        alert=alert.id, initiative=alert.initiative, entity=alert.entity, team=alert.team, state=alert.state,
        score=alert.score, reasons=list(alert.reasons), changed=alert.changed_at, version=alert.version,
    )  # fmt: skip


def rule_of(initiative: Initiative) -> Rule:
    """What of an initiative decides its alerts."""
    at, routing = initiative.thresholds, initiative.routing
    return Rule(initiative.name, Thresholds(at.raise_at, at.lower_at), routing.teams, routing.otherwise)


def _score(body: ScoreChanged) -> Score:
    return Score(body.version, body.score, body.area, tuple(body.reasons), body.receipt, body.as_of, body.into)


def _cause(step: Step, causes: Mapping[UUID, Event[Any]], events: Sequence[Event[Any]]) -> Event[Any]:
    """The event about this very person; in a merge, about the one they were before."""
    before = step.before.entity if step.before else step.after.raised_as
    return causes.get(step.after.entity) or causes.get(before) or events[-1]
