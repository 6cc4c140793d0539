"""Telling a team by mail that there are new alerts: how many, for what, and where to look. Nothing about a person.
Nor when a case was opened in an emergency: its team, and those who review, are told that, and where to read it.

Mails are a digest a team: the first new alert waits ``wait`` seconds for others, and the next mail ``interval`` seconds
after the last; a mail about an override waits for nothing. Each is kept before it is sent, with an id that makes its
Message-ID; a mail server that takes it while its answer is lost gets it again under the same one (at least once).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.alerts import metrics
from services.alerts.digests import Digest
from services.alerts.settings import AlertSettings
from services.alerts.store import AlertStore
from shared.db import Database
from shared.errors import Unavailable
from shared.initiatives import Initiatives
from shared.telemetry import log
from shared.web import Language

LOOK_SECONDS = 2.0
AT_ONCE = 10
TIMEOUT = 20.0


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
            store = AlertStore(connection)
            await store.lock_mails()
            for team in await store.waiting():
                if team.due(now, self._wait, self._interval):
                    await store.write(team, self._settings.mail_to.format(team=team.team), now)

    async def send(self, now: datetime) -> None:
        """Hand over what is due; what the server does not take is tried again, later and later (5 s to 10 min)."""
        async with self._database.transaction() as connection:
            store = AlertStore(connection)
            digests = await store.take(now, AT_ONCE)
            metrics.MAILS_WAITING.set(await store.unsent())
        for digest in digests:
            try:
                await self._hand_over(self.letter(digest))
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                metrics.MAILS.labels("failed").inc()
                log().warning("mail.failed", mail=str(digest.id), error=type(error).__name__)
            else:
                metrics.MAILS.labels("sent").inc()
                async with self._database.transaction() as connection:
                    await AlertStore(connection).sent(digest.id, datetime.now(UTC))

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
        letter["Subject"] = " / ".join(_subject(language, digest) for language in self._languages.values())
        letter["Content-Language"] = ", ".join(self._languages)
        letter.set_content("\n\n".join(self._text(language, digest) for language in self._languages.values()))
        return letter

    def _text(self, language: Language, digest: Digest) -> str:
        said = self._of_override(language, digest) if digest.override else self._of_alerts(language, digest)
        closing = language.gettext("This mail names nobody on purpose. Please do not put names into a reply.")
        return "\n".join([*said, "", closing])

    def _of_alerts(self, language: Language, digest: Digest) -> list[str]:
        number = sum(digest.numbers.values())
        lines = [f"{language.number(count)}  {self._title(name, language)}" for name, count in digest.numbers.items()]
        return [
            language.ngettext(
                "There is %(num)s new alert for your team.", "There are %(num)s new alerts for your team.", number
            ),
            "",
            *lines,
            "",
            language.gettext("Sign in to see who, and why:"),
            f"{self._settings.console}/alerts/",
        ]

    def _of_override(self, language: Language, digest: Digest) -> list[str]:
        if digest.alert is None:
            return [
                language.gettext("Somebody has opened a case of another team in an emergency."),
                "",
                language.gettext("Sign in to see who and why, and to say whether it was justified:"),
                f"{self._settings.console}/alerts/overrides",
            ]
        return [
            language.gettext("Somebody of another team has opened a case of yours in an emergency. It stays yours."),
            "",
            language.gettext("Sign in to see who, and why:"),
            f"{self._settings.console}/alerts/{digest.alert}",
        ]

    def _title(self, initiative: str, language: Language) -> str:
        found = self._initiatives.by_name.get(initiative)
        return found.title.of(language.code) if found else initiative


def _subject(language: Language, digest: Digest) -> str:
    if digest.override:
        return language.gettext("Jigsaw: a case was opened in an emergency")
    number = sum(digest.numbers.values())
    return language.ngettext("Jigsaw: %(num)s new alert", "Jigsaw: %(num)s new alerts", number)
