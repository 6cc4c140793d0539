"""Telling a team by mail that there are new alerts: how many, for what, and where to look. Nothing about a person.

Mails are a digest a team: the first new alert waits ``wait`` seconds for others, and the next mail ``interval`` seconds
after the last. Each is kept before it is sent, with an id that makes its Message-ID; a mail server that takes it while
its answer is lost gets it again under the same one (at least once).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid5

import aiosmtplib
import asyncpg

from services.alerts.metrics import MAILS, MAILS_WAITING
from services.alerts.settings import AlertSettings
from shared.db import Connection, Database, queries
from shared.errors import Unavailable
from shared.initiatives import Initiatives
from shared.telemetry import log
from shared.web import Language

Q = queries(Path(__file__).parent / "queries.sql")
MAILS_OF = UUID("0d1f3c68-5a51-5e0c-9f5e-6a7d2b8c4e19")
LOOK_SECONDS = 2.0
AT_ONCE = 10
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A team that has alerts nobody mailed it about; ``last``: when it was mailed before."""

    team: str
    since: datetime
    first: UUID
    last: datetime | None

    @property
    def mail(self) -> UUID:
        """The mail's id: of two processes that gather at once, both mean the same mail."""
        return uuid5(MAILS_OF, f"{self.team}/{self.first}")

    def due(self, now: datetime, wait: timedelta, interval: timedelta) -> bool:
        return now >= self.since + wait and (self.last is None or now >= self.last + interval)


@dataclass(frozen=True, slots=True)
class Digest:
    """A mail to be sent; ``numbers``: new alerts by initiative."""

    id: UUID
    address: str
    made_at: datetime
    numbers: Mapping[str, int]


class Postman:
    """Gathers and sends, for as long as the service runs."""

    def __init__(
        self, database: Database, settings: AlertSettings, initiatives: Initiatives, languages: Mapping[str, Language]
    ) -> None:
        self._database, self._settings = database, settings
        self._initiatives, self._languages = initiatives, languages
        self._wait = timedelta(seconds=settings.mail_wait)
        self._interval = timedelta(seconds=settings.mail_interval)

    async def run(self) -> None:
        """Forever; a part that is away is waited for."""
        while True:
            with suppress(Unavailable):
                now = datetime.now(UTC)
                await self.gather(now)
                await self.send(now)
            await asyncio.sleep(LOOK_SECONDS)

    async def gather(self, now: datetime) -> None:
        """Write the mails whose time has come."""
        async with self._database.transaction() as connection:
            await connection.execute(Q["gathering"])
            waiting = [Waiting(**row) for row in await connection.fetch(Q["waiting"])]
            for team in waiting:
                if team.due(now, self._wait, self._interval):
                    address = self._settings.mail_to.format(team=team.team)
                    await connection.execute(Q["write"], team.mail, team.team, address, now)
                    await connection.execute(Q["enclose"], team.mail, team.team)

    async def send(self, now: datetime) -> None:
        """Hand over what is due; what the server does not take is tried again, later and later (5 s to 10 min)."""
        async with self._database.transaction() as connection:
            taken = await connection.fetch(Q["take"], now, AT_ONCE)
            digests = [await self._digest(connection, row) for row in taken]
            MAILS_WAITING.set(await connection.fetchval(Q["unsent"]))
        for digest in digests:
            try:
                await self._hand_over(self.letter(digest))
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                MAILS.labels("failed").inc()
                log().warning("mail.failed", mail=str(digest.id), error=type(error).__name__)
            else:
                MAILS.labels("sent").inc()
                async with self._database.transaction() as connection:
                    await connection.execute(Q["sent"], digest.id, datetime.now(UTC))

    async def _digest(self, connection: Connection, row: asyncpg.Record) -> Digest:
        found = await connection.fetch(Q["contents"], row["id"])
        return Digest(row["id"], row["address"], row["made_at"], {one["initiative"]: one["number"] for one in found})

    async def _hand_over(self, letter: EmailMessage) -> None:
        server = urlsplit(self._settings.smtp)
        await aiosmtplib.send(
            letter,
            hostname=server.hostname,
            port=server.port,
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password) if server.password else None,
            use_tls=server.scheme == "smtps",
            timeout=TIMEOUT,
        )

    def letter(self, digest: Digest) -> EmailMessage:
        """The mail, in English and Welsh: a team's mailbox has many readers."""
        letter = EmailMessage()
        letter["From"] = self._settings.mail_from
        letter["To"] = digest.address
        letter["Date"] = format_datetime(digest.made_at)
        letter["Message-ID"] = f"<{digest.id}@{self._settings.mail_from.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        number = sum(digest.numbers.values())
        subjects = [_subject(language, number) for language in self._languages.values()]
        letter["Subject"] = " / ".join(subjects)
        letter["Content-Language"] = ", ".join(self._languages)
        letter.set_content("\n\n".join(self._text(language, digest) for language in self._languages.values()))
        return letter

    def _text(self, language: Language, digest: Digest) -> str:
        number = sum(digest.numbers.values())
        lines = [f"{language.number(count)}  {self._title(name, language)}" for name, count in digest.numbers.items()]
        return "\n".join(
            [
                language.ngettext(
                    "There is %(num)s new alert for your team.", "There are %(num)s new alerts for your team.", number
                ),
                "",
                *lines,
                "",
                language.gettext("Sign in to see who, and why:"),
                f"{self._settings.console}/alerts/",
                "",
                language.gettext("This mail names nobody on purpose. Please do not put names into a reply."),
            ]
        )

    def _title(self, initiative: str, language: Language) -> str:
        found = self._initiatives.by_name.get(initiative)
        return found.title.of(language.code) if found else initiative


def _subject(language: Language, number: int) -> str:
    return language.ngettext("Jigsaw: %(num)s new alert", "Jigsaw: %(num)s new alerts", number)
