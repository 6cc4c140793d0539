"""The mailbox of one machine, and the Welsh of the stack's own pages."""

import re
import smtplib
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from local.addresses import smtp_address
from local.home import Home
from local.parts import issuer, mail, pages
from local.parts.mail import Mail, Mailbox
from local.parts.welsh import WELSH


@pytest.fixture(scope="module")
def site(own_home: Home) -> str:
    return Mail(own_home).start()


def send(home: Home, subject: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "jigsaw@localhost", "carys@jigsaw.example"
    message.set_content(text)
    host, port = smtp_address(home).removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as server:
        server.send_message(message)


def test_mail_that_was_handed_over_can_be_read_newest_first(own_home: Home, site: str) -> None:
    send(own_home, "Cyntaf", "Un.")
    send(own_home, "Rhybudd – ŵy <script>", "Open http://127.0.0.1/alerts/1 now.\n\n<b>not bold</b>\nDiolch")
    listed = httpx.get(f"{site}/mail/", headers={"Accept-Language": "cy"}).text
    assert listed.index("Rhybudd – ŵy &lt;script&gt;") < listed.index("Cyntaf")
    assert "Pwnc" in listed
    name = re.findall(r'href="/mail/([0-9a-f-]+)"', listed)[0]
    shown = httpx.get(f"{site}/mail/{name}").text
    assert 'href="http://127.0.0.1/alerts/1"' in shown
    assert "&lt;b&gt;not bold&lt;/b&gt;<br>Diolch" in shown
    source = httpx.get(f"{site}/mail/{name}/source")
    assert source.headers["content-type"].startswith("text/plain")
    assert "To: carys@jigsaw.example" in source.text


@pytest.mark.parametrize("name", ["..%2Fsecrets", "0" * 20 + "-00000000", "x"])
def test_only_letters_are_shown(site: str, name: str) -> None:
    assert httpx.get(f"{site}/mail/{name}").status_code == 404
    assert httpx.get(f"{site}/mail/{name}/source").status_code == 404


def test_the_oldest_make_room_and_pages_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "KEPT", 120)
    box = Mailbox(tmp_path)
    names = [box.keep(f"Subject: {number}\r\n\r\n".encode()) for number in range(200)]
    first = box.letters()
    second = box.letters(before=first[-1].name)
    assert [letter.name for letter in first + second] == names[-100:][::-1]
    assert len(list(tmp_path.iterdir())) <= 120 + mail.PAGE


def test_every_sentence_of_the_pages_has_its_welsh() -> None:
    templates = (Path(pages.__file__).parent / "templates").glob("*.html")
    said = {
        sentence for file in templates for sentence in re.findall(r'_\("([^"]+)"\)|_\(\'([^\']+)\'\)', file.read_text())
    }
    sentences = {one or other for one, other in said}
    sentences |= {issuer.WRONG, issuer.LOCKED, mail.GONE, "Enter your user name", "Enter your password"}
    assert sentences <= WELSH.keys(), sentences - WELSH.keys()
