"""What alerts decides: an alert's life, and what a person's standing means for it. No I/O, no clock.

An alert is one episode of one person in one initiative. A person's own acts (acknowledge, close) and the machine's
(lapse, reopen, join, erase) are commands; ``TRANSITIONS`` says which is possible when.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from services.alerts.standing import Score, Standing, Thresholds, speaking, up
from shared.contracts import Reason
from shared.contracts.alerts import State

EPISODES = UUID("5b1f9a0e-2f0b-5d3c-8a54-0f6c1d9e7a42")
REOPENS_WITHIN = timedelta(days=1)
"""A rise so soon after a lapse is the same episode: the alert reopens, and nobody is mailed again."""


class Command(StrEnum):
    """What can be asked of an alert."""

    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    LAPSE = "lapse"
    REOPEN = "reopen"
    JOIN = "join"
    ERASE = "erase"


class Outcome(StrEnum):
    """What a caseworker found, when they close an alert."""

    SUPPORT_AGREED = "support_agreed"
    ALREADY_SUPPORTED = "already_supported"
    NOT_NEEDED = "not_needed"
    NOT_REACHED = "not_reached"
    WRONG_PERSON = "wrong_person"


class Band(StrEnum):
    """The score in a word. Easing: between the thresholds; low: below both, while somebody is still on the case."""

    VERY_HIGH = "very_high"
    HIGH = "high"
    EASING = "easing"
    LOW = "low"


TRANSITIONS: Mapping[tuple[State, Command], State] = {
    (State.OPEN, Command.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.OPEN, Command.LAPSE): State.LAPSED,
    (State.OPEN, Command.JOIN): State.JOINED,
    (State.ACKNOWLEDGED, Command.CLOSE): State.CLOSED,
    (State.ACKNOWLEDGED, Command.JOIN): State.JOINED,
    (State.LAPSED, Command.REOPEN): State.OPEN,
    **{(state, Command.ERASE): State.ERASED for state in State if state is not State.ERASED},
}
"""No LAPSE for an acknowledged alert: somebody is on it, and only a person ends what a person has begun."""

LIVE = frozenset({State.OPEN, State.ACKNOWLEDGED})


class Impossible(Exception):
    """The alert is not in a state in which this can be done; ``state`` is the one it is in."""

    def __init__(self, state: State, command: Command) -> None:
        super().__init__(f"an alert that is {state} cannot {command}")
        self.state, self.command = state, command


@dataclass(frozen=True, slots=True)
class Rule:
    """What of an initiative decides its alerts."""

    initiative: str
    thresholds: Thresholds
    teams: Mapping[str, str]
    otherwise: str

    def team(self, area: str | None) -> str:
        return self.teams.get(area or "", self.otherwise)

    def band(self, value: float | None) -> Band:
        """Very high is the upper half of what is above ``raise``."""
        at = self.thresholds
        if value is None or value < at.lower_at:
            return Band.LOW
        if value < at.raise_at:
            return Band.EASING
        return Band.VERY_HIGH if value >= (1 + at.raise_at) / 2 else Band.HIGH


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode. ``entity`` is the person now, ``raised_as`` the id they had when it opened; with ``episode`` and
    ``initiative`` that is its idempotency key. ``version`` counts its changes."""

    id: UUID
    initiative: str
    entity: UUID
    raised_as: UUID
    episode: int
    team: str
    state: State
    score: float | None
    band: Band
    reasons: tuple[Reason, ...]
    receipt: UUID
    as_of: datetime
    opened_at: datetime
    changed_at: datetime
    version: int = 1
    keeper: str | None = None
    keeper_name: str | None = None
    outcome: Outcome | None = None
    joined_into: UUID | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person's subject id at the issuer and their name, or the service."""

    id: str
    name: str = ""
    role: str = "service"


SYSTEM = Actor("service:alerts")


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one alert; ``before`` is ``None`` when it opened."""

    before: Alert | None
    after: Alert
    actor: Actor = SYSTEM
    note: str = ""

    @property
    def change(self) -> str:
        """The change in a word, as the history keeps it: a state arrived at, or moved, rerouted, forgotten, scored."""
        before, after = self.before, self.after
        if before is None:
            return "opened"
        if before.state is not after.state:
            return "reopened" if after.state is State.OPEN else after.state.value
        if before.entity != after.entity:
            return "moved"
        if before.state not in LIVE and before.reasons and not after.reasons:
            return "forgotten"
        return "rerouted" if before.team != after.team else "scored"

    @property
    def news(self) -> bool:
        """Whether others must hear of it: not each digit of a score."""
        return bool(self.differences) or self.change == "forgotten"

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """The old and the new value of what the history keeps."""
        fields = ("state", "team", "entity", "band", "keeper", "outcome", "joined_into")
        pairs = {name: (getattr(self.before, name, None), getattr(self.after, name)) for name in fields}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True, slots=True)
class Person:
    """One person in one initiative: the survivor's standing, those of the entities it took in, and the alerts that
    count (live ones, and what has just lapsed)."""

    entity: UUID
    rule: Rule
    standing: Standing
    merged: Sequence[Standing] = ()
    alerts: Sequence[Alert] = ()

    @property
    def rising(self) -> bool:
        return up(self.standing, self.merged, self.rule.thresholds)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a person's standing and alerts."""

    standing: Standing
    steps: Sequence[Step] = ()


def decide(person: Person, now: datetime) -> Decision:
    """Open, reopen, revise, lapse or join what the person's standing asks for; at most one live alert is left."""
    rising, standing = person.rising, person.standing
    score = speaking(standing, person.merged)
    if standing.settled and not rising:
        standing = replace(standing, settled=False)
    live = sorted((alert for alert in person.alerts if alert.state in LIVE), key=_precedence)
    if not live:
        opens = rising and score is not None and not standing.settled
        return _begin(person, score, now) if opens and score else Decision(standing)
    kept, others = live[0], live[1:]
    after = _revised(kept, person, score, now)
    if not rising and kept.state is State.OPEN:
        after = apply(after, Command.LAPSE, now)
    steps = [Step(alert, apply(alert, Command.JOIN, now, joined_into=kept.id)) for alert in others]
    return Decision(standing, steps if after is kept else [*steps, Step(kept, after)])


def closing(person: Person) -> Standing:
    """The standing once somebody has closed the person's alert: this rise is dealt with, the next one is not."""
    return replace(person.standing, settled=person.rising)


def _precedence(alert: Alert) -> tuple[bool, datetime, UUID]:
    """Of two live alerts the one stays that somebody has taken on, then the older."""
    return alert.state is not State.ACKNOWLEDGED, alert.opened_at, alert.id


def _begin(person: Person, score: Score, now: datetime) -> Decision:
    lapsed = [a for a in person.alerts if a.state is State.LAPSED and now - a.changed_at < REOPENS_WITHIN]
    if not lapsed:
        return _open(person, score, now)
    latest = max(lapsed, key=lambda alert: (alert.changed_at, alert.id))
    after = apply(_revised(latest, person, score, now), Command.REOPEN, now)
    return Decision(person.standing, [Step(latest, after)])


def _open(person: Person, score: Score, now: datetime) -> Decision:
    episode, rule = person.standing.episodes + 1, person.rule
    alert = Alert(
        id=uuid5(EPISODES, f"{rule.initiative}/{person.entity}/{episode}"), initiative=rule.initiative,
        entity=person.entity, raised_as=person.entity, episode=episode, team=rule.team(score.area), state=State.OPEN,
        score=score.value, band=rule.band(score.value), reasons=score.reasons, receipt=score.receipt,
        as_of=score.as_of, opened_at=now, changed_at=now,
    )  # fmt: skip
    return Decision(replace(person.standing, episodes=episode), [Step(None, alert)])


def _revised(alert: Alert, person: Person, score: Score | None, now: datetime) -> Alert:
    """The alert with its person's newest score. One that somebody has taken on stays with their team, and so does one
    whose score is taken back: nobody says where the person is then, nor why there was a score."""
    if score is None or score.receipt == alert.receipt:
        return alert
    stays = alert.state is State.ACKNOWLEDGED or score.value is None
    return replace(
        alert, team=alert.team if stays else person.rule.team(score.area), score=score.value,
        band=person.rule.band(score.value), reasons=score.reasons, receipt=score.receipt, as_of=score.as_of,
        changed_at=now, version=alert.version + 1,
    )  # fmt: skip


def apply(alert: Alert, command: Command, now: datetime, **changes: Any) -> Alert:
    """The alert after a command. Raises ``Impossible``."""
    state = TRANSITIONS.get((alert.state, command))
    if state is None:
        raise Impossible(alert.state, command)
    return replace(alert, state=state, changed_at=now, version=alert.version + 1, **changes)


def acknowledge(alert: Alert, by: Actor, note: str, now: datetime) -> Step:
    """Somebody takes the alert on. Raises ``Impossible``."""
    after = apply(alert, Command.ACKNOWLEDGE, now, keeper=by.id, keeper_name=by.name)
    return Step(alert, after, by, note)


def close(alert: Alert, by: Actor, outcome: Outcome, note: str, now: datetime) -> Step:
    """Somebody says how it ended. Raises ``Impossible``."""
    return Step(alert, apply(alert, Command.CLOSE, now, outcome=outcome), by, note)


def moved(alerts: Iterable[Alert], into: UUID, now: datetime) -> list[Step]:
    """Alerts of a merged entity go to the survivor, ended ones too: its history is one."""
    return [Step(a, replace(a, entity=into, changed_at=now, version=a.version + 1)) for a in alerts if a.entity != into]


def erased(alerts: Iterable[Alert], now: datetime) -> list[Step]:
    """What is left of the alerts of somebody who was erased: that there was one, not why, nor how it ended."""
    left = [alert for alert in alerts if alert.state is not State.ERASED]
    emptied: dict[str, Any] = {"score": None, "band": Band.LOW, "reasons": (), "outcome": None}
    return [Step(alert, apply(alert, Command.ERASE, now, **emptied)) for alert in left]


def forgotten(alerts: Iterable[Alert]) -> list[Step]:
    """Alerts that have ended no longer say why, once a record of their person is no longer held: a live one will have
    a new score."""
    ended = [alert for alert in alerts if alert.state not in LIVE and alert.reasons]
    return [Step(alert, replace(alert, reasons=(), version=alert.version + 1)) for alert in ended]


def drawing() -> str:
    """``TRANSITIONS`` as a Mermaid state diagram, for the README."""
    lines = ["stateDiagram-v2", "    [*] --> open: score ≥ raise"]
    lines += [f"    {before} --> {after}: {command}" for (before, command), after in TRANSITIONS.items()]
    ends = [state for state in State if not any(before is state for before, _ in TRANSITIONS)]
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in ends)])
