"""The mailbox of one machine: an SMTP server that keeps every message as a file, and pages that show them.

Nothing leaves the machine. Whoever reaches the console can read it, as a developer's mailbox allows; production hands
mail to a real server instead (JIGSAW_SMTP).
"""

import asyncio
import email
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from local.addresses import smtp_address
from local.parts import pages
from local.parts.web import READY, WebPart, serve

PAGE = 50
KEPT = 5000
LARGEST = 2 * 1024 * 1024
NAME = re.compile(r"\d{20}-[0-9a-f]{8}")
GONE = "There is no such mail. It may have been removed to make room."


class Mail(WebPart):
    """The mailbox; its address is that of its pages. Mail is taken at ``local.addresses.smtp_address``."""

    name = "mail"
    module = "local.parts.mail"

    def variables(self, port: int) -> Mapping[str, str]:
        return {"JIGSAW_HOME": str(self.home.path), "JIGSAW_SMTP": smtp_address(self.home)}


@dataclass(frozen=True)
class Letter:
    """A kept message: ``name`` is its file's, which sorts by time of arrival."""

    name: str
    subject: str
    sender: str
    to: str
    date: str


class Mailbox:
    """Messages as ``.eml`` files in a folder; the newest ``KEPT`` stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = len(self._names())

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep one message; the answer is SMTP's. The folder is small and local, so no thread is needed."""
        assert isinstance(envelope.content, bytes), "decode_data is off"
        self.keep(envelope.content)
        return "250 kept"

    def keep(self, content: bytes) -> str:
        """The name under which it is kept."""
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        new = self.folder / f"{name}.new"
        new.write_bytes(content)
        new.rename(self.folder / f"{name}.eml")
        self._count += 1
        if self._count > KEPT + PAGE:
            self._make_room()
        return name

    def letters(self, before: str = "") -> list[Letter]:
        """One page, newest first, of those that came before the named one."""
        earlier = [name for name in self._names() if not before or name < before]
        return [self._letter(name) for name in earlier[-PAGE:][::-1]]

    def message(self, name: str) -> EmailMessage | None:
        """A message by its name; None when there is none."""
        content = self.source(name)
        return email.message_from_bytes(content, policy=policy.default) if content is not None else None

    def source(self, name: str) -> bytes | None:
        """A message as it was sent."""
        file = self.folder / f"{name}.eml"
        return file.read_bytes() if NAME.fullmatch(name) and file.exists() else None

    def _names(self) -> list[str]:
        return sorted(entry.name[:-4] for entry in os.scandir(self.folder) if entry.name.endswith(".eml"))

    def _letter(self, name: str) -> Letter:
        with (self.folder / f"{name}.eml").open("rb") as file:
            return letter(name, BytesHeaderParser(policy=policy.default).parse(file))

    def _make_room(self) -> None:
        names = self._names()
        for name in names[:-KEPT]:
            (self.folder / f"{name}.eml").unlink(missing_ok=True)
        self._count = min(len(names), KEPT)


def letter(name: str, message: EmailMessage) -> Letter:
    """What the pages show of a message's headers."""
    arrived = datetime.fromtimestamp(int(name[:20]) / 1e9).astimezone()
    subject = str(message.get("Subject") or "–")
    return Letter(
        name, subject, str(message.get("From", "")), str(message.get("To", "")), f"{arrived:%Y-%m-%d %H:%M:%S}"
    )


def paragraphs(message: EmailMessage) -> list[list[str]]:
    """The plain text in paragraphs of lines; that of the HTML, as source, when there is no plain text."""
    body = message.get_body(("plain", "html"))
    text = str(body.get_content()) if body is not None else ""
    return [block.splitlines() for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())]


class MailPages:
    """``/mail/`` and its letters."""

    def __init__(self, box: Mailbox) -> None:
        self.box = box

    async def listed(self, request: Request) -> Response:
        """The newest first, a page at a time."""
        letters = self.box.letters(request.query_params.get("before", ""))
        older = letters[-1].name if len(letters) == PAGE else ""
        return pages.page(request, "mailbox.html", home="/", letters=letters, older=older)

    async def shown(self, request: Request) -> Response:
        """One letter's text."""
        name = request.path_params["name"]
        message = self.box.message(name)
        if message is None:
            return pages.page(request, "notice.html", 404, home="/mail/", heading="Mail", advice=GONE, detail="")
        return pages.page(
            request, "letter.html", home="/", letter=letter(name, message), paragraphs=paragraphs(message)
        )

    async def source(self, request: Request) -> Response:
        """One letter as it was sent."""
        content = self.box.source(request.path_params["name"])
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}
        text = content.decode(errors="replace") if content is not None else GONE
        return PlainTextResponse(text, 404 if content is None else 200, headers)


def make_app(box: Mailbox, smtp_port: int) -> Starlette:
    """The pages; the SMTP server lives as long as they do."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def smtp() -> SMTP:
            return SMTP(box, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="localhost", loop=loop)

        async with await loop.create_server(smtp, "127.0.0.1", smtp_port):
            yield

    shown = MailPages(box)
    routes = [
        Route("/", lambda request: RedirectResponse("/mail/")),
        Route("/mail/", shown.listed),
        Route("/mail/{name}", shown.shown),
        Route("/mail/{name}/source", shown.source),
        Route(READY, lambda request: JSONResponse({"service": "mail"})),
        pages.static(),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Take mail and show it."""
    smtp_port = int(os.environ["JIGSAW_SMTP"].rpartition(":")[2])
    box = Mailbox(Path(os.environ["JIGSAW_HOME"]) / "mail")
    serve(make_app(box, smtp_port), int(os.environ["JIGSAW_HTTP_PORT"]))


if __name__ == "__main__":
    main()
