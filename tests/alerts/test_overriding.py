"""Break-glass on a real PostgreSQL: who may do what, until when, about whom; and that all of it is one transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from services.alerts import metrics
from services.alerts.casework import Casework, Impossible
from services.alerts.domain import Alert, Outcome
from services.alerts.mail import Postman
from services.alerts.overrides import Fault, Override, Unworded, Verdict
from services.alerts.overriding import Needless, Overriding
from services.alerts.settings import AlertSettings
from services.alerts.showing import Elsewhere, Showing
from services.alerts.store import AlertStore
from shared.contracts.alerts import State
from shared.db import Database
from shared.outbox import Outbox, restored
from shared.web import Refused, Viewer
from shared.work import Worker
from tests.alerts.examples import NOW, entity
from tests.alerts.initiative import INITIATIVES, PURPOSES
from tests.alerts.serving import HELEN, MAIR, OWEN, Mailbox, mailbox
from tests.alerts.test_mail import LANGUAGES
from tests.alerts.test_store import ALERTER, emptied, erased, hear, kept, merged, scored
from tests.parts import Databases

__all__ = ["mailbox"]

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
WHY = "The young person is in our office"
FACTS = ("overrides", "history", "feed", "mails")


@dataclass
class Office:
    """Casework and break-glass with a clock of their own, and no broker behind the outbox."""

    database: Database
    settings: AlertSettings
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.database, "", "alerts")
        worker = Worker("alerts", self.database, self.outbox, AlertStore, bytes(32))
        showing = Showing(worker, PURPOSES)
        self.casework = Casework(worker, ALERTER, showing, lambda: self.now)
        self.overriding = Overriding(worker, showing, self.settings, lambda: self.now)

    async def open(self, viewer: Viewer, alert: Alert, reason: str = WHY) -> Override:
        return await self.overriding.open(viewer, alert.id, reason)

    async def sees(self, viewer: Viewer, alert: Alert) -> bool:
        """Whether a look is allowed; one that is not is offered the form."""
        with suppress(Elsewhere):
            await self.casework.look(viewer, alert.id)
            return True
        return False

    async def alert(self, who: int) -> Alert:
        (found,) = [alert for alert in await kept(self.database) if alert.raised_as == entity(who)]
        return found

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self.database.transaction() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def numbers_of(self) -> dict[str, int]:
        """How many rows each table has that an override is told in."""
        return {name: (await self.rows(f"SELECT count(*) FROM {name}"))[0][0] for name in FACTS}

    async def said(self) -> list[dict[str, Any]]:
        """The audit entries that wait in the outbox."""
        found = await self.rows("SELECT messages FROM outbox ORDER BY id")
        bodies = [orjson.loads(body) for row in found for _, _, _, body in restored(row["messages"])]
        return [entry for body in bodies for entry in body.get("entries", ())]


def settings(smtp: int = 9) -> AlertSettings:
    return AlertSettings(
        kafka="", database=SecretStr(""), redis="", sealing_key=SecretStr(""), session_key=SecretStr(""),
        smtp=f"smtp://127.0.0.1:{smtp}", mail_from="jigsaw@region.example", mail_to="{team}@region.example",
        mail_review="supervisors@region.example", console="https://jigsaw.region.example",
    )  # fmt: skip


@pytest.fixture(autouse=True)
async def _empty(databases: Databases) -> AsyncIterator[None]:
    yield
    await emptied(databases)
    owner = await asyncpg.connect(databases.owner_dsn)
    await owner.execute("TRUNCATE outbox")
    await owner.close()


@pytest.fixture
async def office(database: Database) -> Office:
    """Two people's alerts in the north."""
    await hear(database, scored(1, 1, 0.9), scored(2, 2, 0.9))
    return Office(database, settings())


GRANTS: dict[str, Callable[[Override], Override | None]] = {
    "none": lambda _: None,
    "open": lambda given: given,
    "ended": lambda given: replace(given, given_at=NOW - HOUR, until=NOW),
    "another viewer's": lambda given: replace(given, actor="somebody"),
    "another person's": lambda given: replace(given, person=entity(2)),
}
ROLES = {"youth-worker": True, "fire-officer": False, "supervisor": True, "steward": False, "analyst": False,
         "auditor": False, "operator": False, "partner": False}  # fmt: skip
"""Whether an agreement lets the role see alerts of this initiative."""


async def outcome(doing: Awaitable[object]) -> str:
    try:
        await doing
    except (Refused, Impossible, Needless) as error:
        return type(error).__name__
    return "done"


@pytest.mark.parametrize("team", ["youth-north", "youth-south", ""])
@pytest.mark.parametrize("role", ROLES)
async def test_role_team_override_and_action(office: Office, databases: Databases, role: str, team: str) -> None:
    """Every pair of the four against a table written here."""
    viewer = Viewer("them", "Them", "", role, team, "")
    supervises, alert = role == "supervisor", await office.alert(1)
    acts = role in ("youth-worker", "fire-officer") and team != ""
    own = supervises or (acts and team == "youth-north")
    given = await office.open(OWEN, alert)
    for name, made in GRANTS.items():
        await emptied(databases)
        await hear(office.database, scored(1, 1, 0.9), scored(2, 2, 0.9))
        grant = made(replace(given, actor=viewer.subject))
        if grant is not None:
            async with office.database.transaction() as connection:
                await AlertStore(connection).give(grant, [alert])
        looks = (
            "Refused" if not (ROLES[role] and (acts or supervises))
            else "done" if own or name == "open"
            else "Elsewhere"
        )  # fmt: skip
        changes = "Refused" if looks != "done" or not own else "Impossible"
        opens = "Refused" if looks == "Refused" else "Needless" if own else "done"
        assert await outcome(office.casework.look(viewer, alert.id)) == looks, name
        assert await outcome(office.casework.one(viewer, alert.id)) == looks, name
        assert await outcome(office.casework.close(viewer, alert.id, Outcome.NOT_NEEDED, "")) == changes, name
        took = await outcome(office.casework.acknowledge(viewer, alert.id, ""))
        assert took == ("done" if changes == "Impossible" else "Refused"), name
        assert await outcome(office.overriding.listed(viewer, (20, 0), (20, 0))) == (
            "done" if supervises else "Refused"
        )
        if grant is not None:
            review = office.overriding.review(viewer, grant.id, Verdict.JUSTIFIED, "I know the family")
            assert await outcome(review) == ("done" if supervises and name == "another viewer's" else "Refused"), name
        assert await outcome(office.open(viewer, alert, f"{WHY}, again")) == opens, name
        if opens == "done":
            assert await outcome(office.casework.look(viewer, alert.id)) == "done", name
            assert await outcome(office.casework.close(viewer, alert.id, Outcome.NOT_NEEDED, "")) == "Refused", name


async def test_it_ends_to_the_second_and_wants_a_new_reason(office: Office) -> None:
    alert = await office.alert(1)
    assert not await office.sees(OWEN, alert)
    given = await office.open(OWEN, alert)
    assert (given.given_at, given.until) == (NOW, NOW + HOUR)
    office.now = NOW + HOUR - TICK
    assert await office.sees(OWEN, alert)
    assert await office.open(OWEN, alert, "Asked again") == given, "that does not prolong it"
    office.now = NOW + HOUR
    assert not await office.sees(OWEN, alert)
    with pytest.raises(Unworded) as raised:
        await office.open(OWEN, alert)
    assert (raised.value.fault, raised.value.team) == (Fault.SAME, "youth-north")
    assert not await office.sees(OWEN, alert)
    again = await office.open(OWEN, alert, "She has come back")
    assert (again.id != given.id, again.until) == (True, NOW + 2 * HOUR)
    assert await office.sees(OWEN, alert)


async def test_it_is_for_one_viewer_and_one_person_with_all_their_alerts(office: Office) -> None:
    one, two = await office.alert(1), await office.alert(2)
    colleague = replace(OWEN, subject="olwen")
    await office.open(OWEN, one)
    assert [await office.sees(*pair) for pair in ((OWEN, one), (OWEN, two), (colleague, one))] == [True, False, False]
    await hear(office.database, scored(1, 5, 0.1))
    assert (await office.alert(1)).state is State.LAPSED
    assert await office.sees(OWEN, one), "an alert that has ended is the same person's"


@pytest.mark.parametrize("first", ["override", "merge"])
async def test_it_follows_a_merge_to_the_survivor(office: Office, first: str) -> None:
    """It is the same child, whatever linkage finds out meanwhile: and who looks is on record all the same."""
    one, two = await office.alert(1), await office.alert(2)
    if first == "override":
        await office.open(OWEN, two)
        assert not await office.sees(OWEN, one)
        await hear(office.database, merged(2, 1))
    else:
        await hear(office.database, merged(2, 1))
        await office.open(OWEN, two)
    assert (await office.alert(2)).entity == entity(1)
    assert await office.sees(OWEN, one)
    await hear(office.database, scored(3, 9, 0.9), merged(1, 3))
    assert await office.sees(OWEN, await office.alert(3)), "to the end of the chain"
    assert not await office.sees(replace(OWEN, subject="olwen"), one)
    office.now = NOW + HOUR
    assert not await office.sees(OWEN, one)


async def test_asked_for_after_a_merge_while_it_is_open_it_is_the_same(office: Office) -> None:
    given = await office.open(OWEN, await office.alert(2))
    await hear(office.database, merged(2, 1))
    assert await office.open(OWEN, await office.alert(1), "Asked again") == given


async def test_each_step_is_on_record_and_each_look_says_by_which_override(office: Office) -> None:
    alert = await office.alert(1)
    await office.sees(OWEN, alert)
    given = await office.open(OWEN, alert)
    await office.casework.look(OWEN, alert.id)
    await office.casework.one(OWEN, alert.id)
    await office.casework.look(MAIR, alert.id)
    await office.overriding.listed(HELEN, (20, 0), (20, 0))
    await office.overriding.review(HELEN, given.id, Verdict.NOT_JUSTIFIED, "There was no emergency")
    said = [(e["actor"], e["action"], e["outcome"], e["subject"], e["reference"]) for e in await office.said()]
    person, by = str(entity(1)), f"override:{given.id}"
    assert said == [
        ("owen", "disclosure", "refused", person, f"alert:{alert.id}"),
        ("owen", "decision", "allowed", person, by),
        ("owen", "disclosure", "allowed", person, by),
        ("owen", "disclosure", "allowed", person, by),
        ("mair", "disclosure", "allowed", person, f"alert:{alert.id}"),
        ("helen", "disclosure", "allowed", person, f"{by}:review"),
        ("helen", "decision", "allowed", person, f"{by}:not_justified"),
    ]
    assert {(e["purpose"], bool(e["agreement"])) for e in await office.said()} == {("neet", True)}
    assert not [e for e in await office.said() if WHY in str(e)], "no words about anybody in the audit log"
    assert not await office.sees(OWEN, alert), "what is not justified ends at once"


@pytest.mark.parametrize("table", ["outbox", "overrides", "history", "feed", "mails"])
async def test_what_cannot_be_written_down_and_told_is_not_opened(
    office: Office, databases: Databases, table: str
) -> None:
    alert, before = await office.alert(1), await office.numbers_of()
    owner = await asyncpg.connect(databases.owner_dsn)
    await owner.execute(f"REVOKE INSERT ON {table} FROM alerts")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await office.open(OWEN, alert)
    finally:
        await owner.execute(f"GRANT INSERT ON {table} TO alerts")
        await owner.close()
    assert await office.numbers_of() == before
    assert not await office.sees(OWEN, alert)


async def test_clicks_at_once_at_several_replicas_are_one(office: Office) -> None:
    before, alert = await office.numbers_of(), await office.alert(1)
    offices = [Office(office.database, office.settings, NOW + number * TICK) for number in range(6)]
    given = await asyncio.gather(*(one.open(OWEN, alert) for one in offices))
    assert len({one.id for one in given}) == 1
    after = await office.numbers_of()
    assert {name: after[name] - before[name] for name in FACTS} == {
        "overrides": 1, "history": 1, "feed": 1, "mails": 2,
    }  # fmt: skip


async def test_reviews_at_once_are_one(office: Office) -> None:
    given = await office.open(OWEN, await office.alert(1))
    reviewers = [replace(HELEN, subject=f"supervisor {number}") for number in range(4)]
    said = await asyncio.gather(
        *(office.overriding.review(one, given.id, Verdict.JUSTIFIED, "It was") for one in reviewers),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in said) == ["Override", "Reviewed", "Reviewed", "Reviewed"]


async def test_of_the_erased_no_words_stay_and_nothing_can_be_opened(office: Office) -> None:
    alert = await office.alert(1)
    given = await office.open(OWEN, alert)
    await office.overriding.review(HELEN, given.id, Verdict.JUSTIFIED, "Mair knows the family")
    await hear(office.database, erased(1))
    (row,) = await office.rows("SELECT reason, note, actor, verdict FROM overrides")
    assert dict(row) == {"reason": "", "note": "", "actor": "owen", "verdict": "justified"}
    assert not await office.rows("SELECT FROM history WHERE note <> ''")
    assert await outcome(office.open(replace(OWEN, subject="olwen"), alert)) == "Refused"


async def test_a_verdict_after_the_erasure_brings_no_words_back(office: Office) -> None:
    given = await office.open(OWEN, await office.alert(1))
    await hear(office.database, erased(1))
    await office.overriding.review(HELEN, given.id, Verdict.JUSTIFIED, "Mair knows the family")
    (row,) = await office.rows("SELECT reason, note, verdict FROM overrides")
    assert dict(row) == {"reason": "", "note": "", "verdict": "justified"}
    assert not await office.rows("SELECT FROM history WHERE note <> ''")


async def test_a_verdict_while_the_person_is_erased_leaves_no_words(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, kept_of, erasing = await office.open(OWEN, await office.alert(1)), AlertStore.review, []

    async def review(self: AlertStore, reviewed: Override, alert: Alert) -> None:
        erasing.append(asyncio.create_task(hear(office.database, erased(1))))
        await asyncio.wait(erasing, timeout=0.5)
        await kept_of(self, reviewed, alert)

    monkeypatch.setattr(AlertStore, "review", review)
    await office.overriding.review(HELEN, given.id, Verdict.JUSTIFIED, "Mair knows the family")
    await erasing[0]
    assert not await office.rows("SELECT FROM history WHERE note <> ''")


async def test_the_words_go_too_when_the_person_was_merged_before_being_erased(office: Office) -> None:
    await office.open(OWEN, await office.alert(2))
    await hear(office.database, merged(2, 1))
    await hear(office.database, erased(1))
    assert [row["reason"] for row in await office.rows("SELECT reason FROM overrides")] == [""]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM overrides", "TRUNCATE overrides CASCADE", "UPDATE overrides SET actor = 'somebody'"]
)
async def test_what_was_opened_cannot_be_hidden_by_the_service(office: Office, statement: str) -> None:
    await office.open(OWEN, await office.alert(1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.rows(statement)


@pytest.mark.parametrize(
    "change",
    ["until = until + interval '1 year'", "reason = 'Other words'", "verdict = 'justified'", "note = 'Other words'",
     "verdict = NULL, reviewer = NULL, reviewer_name = NULL, reviewed_at = NULL", "reviewer = 'somebody'"],
)  # fmt: skip
async def test_what_was_said_of_it_cannot_be_rewritten_by_the_service(office: Office, change: str) -> None:
    given = await office.open(OWEN, await office.alert(1))
    await office.overriding.review(HELEN, given.id, Verdict.NOT_JUSTIFIED, "There was no emergency")
    with pytest.raises(asyncpg.CheckViolationError):
        await office.rows(f"UPDATE overrides SET {change}")


async def test_how_long_a_review_is_owed_is_said(office: Office) -> None:
    async def said() -> tuple[float, float]:
        """After one round of the loop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await office.overriding.watch()
        samples = [
            sample
            for gauge in (metrics.UNREVIEWED, metrics.UNREVIEWED_SECONDS)
            for sample in gauge.collect()[0].samples
        ]
        return samples[0].value, samples[1].value

    assert await said() == (0, 0)
    given = await office.open(OWEN, await office.alert(1))
    await office.open(OWEN, await office.alert(2))
    office.now = NOW + 2 * HOUR
    assert await said() == (2, 7200)
    await office.overriding.review(HELEN, given.id, Verdict.JUSTIFIED, "It was")
    assert (await said())[0] == 1


async def test_team_and_reviewers_are_mailed_within_a_minute_and_the_mails_tell_nothing_personal(
    office: Office, mailbox: tuple[Mailbox, int]
) -> None:
    mailbox[0].letters.clear()
    alert = await office.alert(1)
    await office.open(OWEN, alert)
    post = Postman(office.database, settings(mailbox[1]), INITIATIVES, LANGUAGES)
    await post.send(NOW)  # as it does every two seconds: these wait for nothing
    letters = {str(letter["To"]): letter for letter in mailbox[0].letters}
    assert set(letters) == {"youth-north@region.example", "supervisors@region.example"}
    links = {
        "youth-north@region.example": f"https://jigsaw.region.example/alerts/{alert.id}",
        "supervisors@region.example": "https://jigsaw.region.example/alerts/overrides",
    }
    for address, letter in letters.items():
        text = str(letter.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
        assert text.count(links[address]) == 2, "English and Welsh"
        for personal in (WHY, "Owen", "owen", "Carter", "Rhys", str(entity(1)), "neet", "education"):
            assert personal not in text + str(letter)
    subject = " ".join(str(letters["supervisors@region.example"]["Subject"]).split())
    assert subject == "Jigsaw: a case was opened in an emergency / Jigsaw: agorwyd achos mewn argyfwng"
    await post.send(NOW + HOUR)
    assert len(mailbox[0].letters) == 2, "once each"


async def test_a_mail_about_an_override_delays_no_digest(office: Office) -> None:
    await office.open(OWEN, await office.alert(1))
    post = Postman(office.database, settings(), INITIATIVES, LANGUAGES)
    await post.gather(NOW + timedelta(seconds=30))
    assert len(await office.rows("SELECT FROM mails WHERE override IS NULL")) == 1


async def test_the_team_reads_in_the_history_who_opened_it_and_what_came_of_it(office: Office) -> None:
    alert = await office.alert(1)
    given = await office.open(OWEN, alert)
    await office.overriding.review(HELEN, given.id, Verdict.JUSTIFIED, "I called")
    _, past, _ = await office.casework.look(MAIR, alert.id)
    assert [(line.change, line.actor_name, line.note) for line in past] == [
        ("justified", "Helen Griffiths", "I called"),
        ("overridden", "Owen Carter", WHY),
        ("opened", "", ""),
    ]
    assert (await office.alert(1)).version == alert.version, "nothing of the alert has changed"
