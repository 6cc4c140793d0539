"""What alerts keeps. One short method a statement; a batch is one statement, however many rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.alerts.digests import Digest, Letter, Waiting
from services.alerts.domain import REOPENS_WITHIN, Alert, Band, Outcome, Step
from services.alerts.judgement import Changes, Key, Known
from services.alerts.overrides import Override, Verdict
from services.alerts.standing import Score, Standing
from services.alerts.views import Entry, Mailed, Opening, Past, Unreviewed
from shared.contracts import Reason
from shared.contracts.alerts import State
from shared.db import Connection, plan_anew, queries

OPENED = "overridden"
"""What history and feed call it when a case was opened in an emergency."""

Q = queries(Path(__file__).parent / "queries.sql")


class AlertStore:
    """Everything in one transaction. ``told`` is the last number of the feed that this transaction wrote, or 0."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.told = 0

    async def lock_writers(self) -> None:
        """Until the transaction ends, nobody else writes. First of all in one that decides anything."""
        await self._connection.execute(Q["lock_writers"])

    async def known(self, entities: Collection[UUID], now: datetime, *, ended: bool = False) -> Known:
        """What is kept of these entities and of all who are one with them; ``ended`` alerts too."""
        rows = await self._connection.fetch(Q["kept_of"], list(entities))
        alerted = list({row["entity"] for row in rows if row["alerted"]})
        alerts: list[asyncpg.Record] = []
        if alerted and ended:
            alerts = await self._connection.fetch(Q["all_of"], alerted)
        elif alerted:  # few are: most scores are of people who never had an alert
            alerts = await self._connection.fetch(Q["counting"], alerted, now - REOPENS_WITHIN)
        return Known(
            redirects={row["entity"]: row["into_entity"] for row in rows if row["into_entity"] is not None},
            erased=frozenset(row["entity"] for row in rows if row["gone"]),
            standings={(row["initiative"], row["entity"]): _standing(row) for row in rows if row["initiative"]},
            alerts=[_alert(row) for row in alerts],
        )

    async def change(self, changes: Changes) -> None:
        """Keep what a judgement changes."""
        if changes.redirects:
            await self._connection.execute(Q["redirect"], [*changes.redirects], [*changes.redirects.values()])
        await self.stand(changes.standings)
        await self.keep(changes.steps)
        if changes.erased:
            for name in ("erase", "erase_standings", "erase_notes", "erase_words"):
                await self._connection.execute(Q[name], changes.erased)

    async def stand(self, standings: Mapping[Key, Standing]) -> None:
        """Keep standings."""
        if standings:
            rows = [_standing_row(key, standing) for key, standing in standings.items()]
            await self._connection.write(Q["stand"], *zip(*rows, strict=True))

    async def keep(self, steps: Sequence[Step]) -> None:
        """Keep the alerts as the steps leave them, what is worth remembering, telling and mailing of each step."""
        if not steps:
            return
        alerts = {step.after.id: step.after for step in steps}
        await self._connection.execute(Q["keep"], *zip(*(_alert_row(alert) for alert in alerts.values()), strict=True))
        news = [step for step in steps if step.news]
        if news:
            await self._remember(news)
            await self._tell(news)
            await self._announce([step.after for step in news if step.before is None])

    async def _remember(self, steps: Sequence[Step]) -> None:
        rows = [
            (s.after.id, s.after.changed_at, s.change, _plain(s.differences), s.actor.id, s.actor.name, s.note)
            for s in steps
        ]
        await self._connection.execute(Q["remember"], *zip(*rows, strict=True))

    async def _tell(self, steps: Sequence[Step]) -> None:
        """The team that has an alert, and the one it left."""
        rows = []
        for step in steps:
            if step.before is not None and step.before.team != step.after.team:
                rows.append((step.after.id, step.before.team, "left", step.after.changed_at))
            rows.append((step.after.id, step.after.team, step.change, step.after.changed_at))
        await self._feed(rows)

    async def _feed(self, rows: Sequence[tuple[UUID, str, str, datetime]]) -> None:
        numbers = await self._connection.fetch(Q["tell"], *zip(*rows, strict=True))
        self.told = max(row["seq"] for row in numbers)

    async def _announce(self, opened: Sequence[Alert]) -> None:
        if opened:
            rows = [(alert.id, alert.initiative, alert.team, alert.opened_at) for alert in opened]
            await self._connection.execute(Q["announce"], *zip(*rows, strict=True))

    async def all_of(self, entities: Iterable[UUID]) -> list[Alert]:
        """Every alert of these people, the newest first."""
        return [_alert(row) for row in await self._connection.fetch(Q["all_of"], list(entities))]

    async def lock_alert(self, id: UUID) -> Alert | None:
        """One alert, which nobody else changes until the transaction ends."""
        return _maybe(await self._connection.fetchrow(Q["lock_alert"], id))

    async def alert(self, id: UUID) -> Alert | None:
        """One alert, to look at: it may change meanwhile."""
        return _maybe(await self._connection.fetchrow(Q["alert"], id))

    async def queue(
        self, team: str | None, states: Iterable[State], initiatives: Iterable[str], limit: int, offset: int
    ) -> list[Alert]:
        """The most urgent first; ``team`` ``None``: every team's."""
        await plan_anew(self._connection)
        rows = await self._connection.fetch(Q["queue"], team, list(states), list(initiatives), limit, offset)
        return [_alert(row) for row in rows]

    async def counts(self, team: str | None, initiatives: Iterable[str]) -> dict[State, int]:
        """How many alerts are in each state."""
        await plan_anew(self._connection)
        rows = await self._connection.fetch(Q["counts"], team, list(initiatives))
        return {State(row["state"]): row["number"] for row in rows}

    async def past(self, alert: UUID) -> list[Past]:
        """What happened to an alert and to those joined to it, the newest first."""
        rows = await self._connection.fetch(Q["past"], alert)
        return [Past(**row) for row in rows]

    async def history_of(self, alerts: Iterable[UUID]) -> list[Past]:
        """What alerts went through, the oldest first."""
        return [Past(**row) for row in await self._connection.fetch(Q["history_of"], list(alerts))]

    async def mailed(self, alerts: Iterable[UUID]) -> list[Mailed]:
        """Which teams were mailed about alerts."""
        return [Mailed(**row) for row in await self._connection.fetch(Q["mailed"], list(alerts))]

    async def overrides_of(self, people: Iterable[UUID]) -> list[Override]:
        """Every time somebody opened the case of one of these people, the first first."""
        return [_override(row) for row in await self._connection.fetch(Q["overrides_of"], list(people))]

    async def newest(self) -> int:
        """The feed's last number; 0 when it is empty."""
        return int(await self._connection.fetchval(Q["newest"]))

    async def oldest(self) -> int:
        """The feed's first number; 0 when it is empty."""
        return int(await self._connection.fetchval(Q["oldest"]))

    async def after(self, seq: int, team: str | None, limit: int) -> list[Entry]:
        """What the feed says after a number, oldest first, each with the alert as it is now."""
        rows = await self._connection.fetch(Q["after"], seq, team, limit)
        return [Entry(row["seq"], row["told"], row["change"], row["said_at"], _alert(row)) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Drop old entries of the feed."""
        await self._connection.execute(Q["forget"], before)

    async def lock_mails(self) -> None:
        """Until the transaction ends, nobody else gathers mails."""
        await self._connection.execute(Q["lock_mails"])

    async def waiting(self) -> list[Waiting]:
        """The teams that have alerts nobody mailed them about."""
        return [Waiting(**row) for row in await self._connection.fetch(Q["waiting"])]

    async def write(self, team: Waiting, address: str, now: datetime) -> None:
        """A mail to a team, about all that waits for it."""
        await self._connection.execute(Q["write"], team.mail, team.team, address, now)
        await self._connection.execute(Q["enclose"], team.mail, team.team)

    async def take(self, now: datetime, limit: int) -> list[Digest]:
        """Mails whose time has come. Each is the caller's until its next attempt is due."""
        return [await self._digest(row) for row in await self._connection.fetch(Q["take"], now, limit)]

    async def _digest(self, row: asyncpg.Record) -> Digest:
        found = await self._connection.fetch(Q["contents"], row["id"])
        numbers = {one["initiative"]: one["number"] for one in found}
        return Digest(row["id"], row["address"], row["made_at"], numbers, row["override"], row["alert"])

    async def sent(self, mail: UUID, at: datetime) -> None:
        """The mail server has taken it."""
        await self._connection.execute(Q["sent"], mail, at)

    async def unsent(self) -> int:
        """How many mails the mail server has not taken."""
        return int(await self._connection.fetchval(Q["unsent"]))

    async def override_of(self, actor: str, person: UUID) -> Override | None:
        """The last time that somebody opened a person's case."""
        row = await self._connection.fetchrow(Q["override_of"], actor, person)
        return _override(row) if row is not None else None

    async def give(self, override: Override, alerts: Sequence[Alert]) -> None:
        """Somebody opens a person's case: kept, and told to the teams whose ``alerts`` it opens."""
        await self._connection.execute(Q["give"], *astuple(override)[:9])
        await self._note(override.given_at, OPENED, override.actor, override.actor_name, override.reason, alerts)
        await self._feed([(alert.id, alert.team, OPENED, override.given_at) for alert in alerts])

    async def write_of_override(self, override: Override, letters: Sequence[Letter]) -> None:
        """Mails about an override, to be sent at once."""
        columns = zip(*(astuple(letter) for letter in letters), strict=True)
        await self._connection.execute(Q["write_of_override"], override.given_at, override.id, *columns)

    async def lock_override(self, id: UUID) -> Opening | None:
        """An override, which nobody else reviews until the transaction ends."""
        row = await self._connection.fetchrow(Q["lock_override"], id)
        return _opening(row) if row is not None else None

    async def review(self, reviewed: Override, alert: Alert) -> None:
        """Keep the verdict, also in the history of the alert."""
        await self._connection.execute(Q["review"], reviewed.id, reviewed.until, *astuple(reviewed)[9:])
        at, by, name = reviewed.reviewed_at, reviewed.reviewer, reviewed.reviewer_name
        await self._note(at, reviewed.verdict, by, name, reviewed.note, [alert])

    async def _note(
        self, at: datetime | None, change: str | None, actor: str | None, name: str | None, note: str,
        alerts: Sequence[Alert],
    ) -> None:  # fmt: skip
        """A line in the history of each alert, of something that changes none of them."""
        rows = [(alert.id, at, change, dict[str, Any](), actor, name, note) for alert in alerts]
        await self._connection.execute(Q["remember"], *zip(*rows, strict=True))

    async def overrides(self, limit: int, offset: int, *, reviewed: bool) -> list[Opening]:
        """Those that wait for a verdict, the oldest first; or those that have one, the last reviewed first."""
        name = "overrides_reviewed" if reviewed else "overrides_waiting"
        return [_opening(row) for row in await self._connection.fetch(Q[name], limit, offset)]

    async def unreviewed(self) -> Unreviewed:
        """What waits for a verdict."""
        row = await self._connection.fetchrow(Q["unreviewed"])
        assert row is not None, "a count has a row"
        return Unreviewed(**row)


def _maybe(row: asyncpg.Record | None) -> Alert | None:
    return _alert(row) if row is not None else None


def _alert(row: asyncpg.Record) -> Alert:
    return Alert(
        id=row["id"], initiative=row["initiative"], entity=row["entity"], raised_as=row["raised_as"],
        episode=row["episode"], team=row["team"], state=State(row["state"]), score=row["score"],
        band=Band(row["band"]), reasons=_reasons(row["reasons"]), receipt=row["receipt"], as_of=row["as_of"],
        opened_at=row["opened_at"], changed_at=row["changed_at"], version=row["version"], keeper=row["keeper"],
        keeper_name=row["keeper_name"], outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        joined_into=row["joined_into"],
    )  # fmt: skip


def _alert_row(alert: Alert) -> tuple[Any, ...]:
    return (
        alert.id, alert.initiative, alert.entity, alert.raised_as, alert.episode, alert.team, alert.state, alert.score,
        alert.band, _packed(alert.reasons), alert.receipt, alert.as_of, alert.opened_at, alert.changed_at,
        alert.version, alert.keeper, alert.keeper_name, alert.outcome, alert.joined_into,
    )  # fmt: skip


def _opening(row: asyncpg.Record) -> Opening:
    return Opening(_override(row), _alert(row))


def _override(row: asyncpg.Record) -> Override:
    return Override(
        id=row["override"], alert=row["alert"], person=row["person"], actor=row["actor"],
        actor_name=row["actor_name"], actor_team=row["actor_team"], reason=row["reason"], given_at=row["given_at"],
        until=row["until"], reviewer=row["reviewer"], reviewer_name=row["reviewer_name"],
        reviewed_at=row["reviewed_at"], verdict=Verdict(row["verdict"]) if row["verdict"] else None, note=row["note"],
    )  # fmt: skip


def _standing(row: asyncpg.Record) -> Standing:
    newest = None
    if row["version"] is not None:
        reasons = _reasons(row["reasons"] or {})
        newest = Score(row["version"], row["score"], row["area"], reasons, row["receipt"], row["as_of"])
    return Standing(newest, row["raised"], row["lowered"], row["left_at"], row["settled"], row["episodes"])


def _standing_row(key: Key, standing: Standing) -> tuple[Any, ...]:
    score = standing.newest
    said: tuple[Any, ...] = (None,) * 6
    if score is not None:
        low = standing.lowered == score.version
        reasons = None if low else _packed(score.reasons)
        said = (score.version, score.value, score.area, reasons, score.receipt, score.as_of)
    return *key, *said, standing.raised, standing.lowered, standing.left, standing.settled, standing.episodes


def _packed(reasons: Iterable[Reason]) -> dict[str, tuple[float, float]]:
    return {reason.feature: (reason.value, reason.contribution) for reason in reasons}


def _reasons(packed: Mapping[str, Sequence[float]]) -> tuple[Reason, ...]:
    """The one that adds most first: a jsonb object keeps no order."""
    found = [Reason(feature=name, value=value, contribution=part) for name, (value, part) in packed.items()]
    return tuple(sorted(found, key=lambda reason: -reason.contribution))


def _plain(differences: Mapping[str, tuple[Any, Any]]) -> dict[str, list[Any]]:
    return {name: [_json(old), _json(new)] for name, (old, new) in differences.items()}


def _json(value: Any) -> str | None:
    return None if value is None else str(value)
