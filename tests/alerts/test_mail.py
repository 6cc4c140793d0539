"""Digests on a real PostgreSQL and a real SMTP server: one a team and burst, sent at least once, under one id."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import asyncpg
import pytest
from pydantic import SecretStr

from services.alerts.digests import Waiting
from services.alerts.mail import Postman
from services.alerts.settings import AlertSettings
from services.alerts.store import AlertStore
from shared.db import Database
from shared.settings import PROJECT
from shared.web.language import languages
from tests.alerts.examples import NOW, entity
from tests.alerts.initiative import INITIATIVES
from tests.alerts.serving import Mailbox, mailbox
from tests.alerts.test_store import ALERTER, TABLES, scored
from tests.parts import Databases

__all__ = ["mailbox"]

LANGUAGES = languages([PROJECT / "services" / "alerts" / "locale", PROJECT / "shared" / "web" / "locale"])
WAIT, INTERVAL = timedelta(seconds=30), timedelta(minutes=5)


def postman(database: Database, port: int) -> Postman:
    settings = AlertSettings(
        kafka="", database=SecretStr(""), redis="", sealing_key=SecretStr(""), session_key=SecretStr(""),
        smtp=f"smtp://127.0.0.1:{port}", mail_from="jigsaw@region.example", mail_to="{team}@region.example",
        console="https://jigsaw.region.example",
    )  # fmt: skip
    return Postman(database, settings, INITIATIVES, LANGUAGES)


@pytest.fixture
def box(mailbox: tuple[Mailbox, int]) -> Iterator[tuple[Mailbox, int]]:
    mailbox[0].letters.clear()
    yield mailbox
    mailbox[0].letters.clear()


@pytest.fixture(autouse=True)
async def _three_alerts(database: Database, databases: Databases) -> None:
    owner = await asyncpg.connect(databases.owner_dsn)
    await owner.execute(f"TRUNCATE {TABLES}")
    await owner.close()
    async with database.transaction() as connection:
        await ALERTER.weigh([scored(who, who, 0.9) for who in (1, 2, 3)], AlertStore(connection), NOW)


async def mails(database: Database) -> list[asyncpg.Record]:
    async with database.transaction() as connection:
        return list(await connection.fetch("SELECT * FROM mails ORDER BY made_at"))


def test_the_first_waits_for_others_and_the_next_for_its_time() -> None:
    never, before = Waiting("youth", NOW, entity(1), None), Waiting("youth", NOW, entity(1), NOW - timedelta(minutes=4))
    assert [never.due(NOW + timedelta(seconds=s), WAIT, INTERVAL) for s in (29, 30)] == [False, True]
    assert [before.due(NOW + timedelta(seconds=s), WAIT, INTERVAL) for s in (59, 60)] == [False, True]


async def test_a_burst_is_one_mail(database: Database, box: tuple[Mailbox, int]) -> None:
    post = postman(database, box[1])
    await post.gather(NOW + timedelta(seconds=29))
    assert await mails(database) == []
    for seconds in (30, 31):
        await post.gather(NOW + timedelta(seconds=seconds))
        await post.send(NOW + timedelta(seconds=seconds))
    (letter,) = box[0].letters
    assert letter["Subject"] == "Jigsaw: 3 new alerts / Jigsaw: 3 rhybudd newydd"
    (mail,) = await mails(database)
    assert letter["Message-ID"] == f"<{mail['id']}@region.example>"
    assert mail["sent_at"] is not None


async def test_what_opens_later_is_mailed_after_the_interval(database: Database, box: tuple[Mailbox, int]) -> None:
    post, later = postman(database, box[1]), NOW + timedelta(seconds=40)
    await post.gather(later)
    async with database.transaction() as connection:
        await ALERTER.weigh([scored(4, 4, 0.9)], AlertStore(connection), later)
    await post.gather(later + INTERVAL - timedelta(seconds=1))
    assert len(await mails(database)) == 1
    await post.gather(later + INTERVAL)
    await post.send(later + INTERVAL)
    assert [letter["Subject"].split(" / ")[0] for letter in box[0].letters] == [
        "Jigsaw: 3 new alerts",
        "Jigsaw: 1 new alert",
    ]


async def test_a_server_that_is_away_gets_it_later_under_the_same_id(
    database: Database, box: tuple[Mailbox, int]
) -> None:
    now = NOW + timedelta(seconds=30)
    away = postman(database, 9)
    await away.gather(now)
    await away.send(now)
    (mail,) = await mails(database)
    assert (mail["attempts"], mail["sent_at"]) == (1, None)
    post = postman(database, box[1])
    await post.send(now + timedelta(seconds=4))
    assert box[0].letters == [], "not before its next attempt is due"
    await post.send(now + timedelta(seconds=5))
    assert box[0].letters[0]["Message-ID"] == f"<{mail['id']}@region.example>"


async def test_two_that_gather_at_once_write_one_mail(database: Database, box: tuple[Mailbox, int]) -> None:
    now = NOW + timedelta(seconds=30)
    await asyncio.gather(*(postman(database, box[1]).gather(now) for _ in range(4)))
    assert len(await mails(database)) == 1
