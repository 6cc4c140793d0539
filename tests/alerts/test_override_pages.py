"""Break-glass through the service's own process: the forms, the API, open pages, the mail, the audit topic."""

import asyncio
from dataclasses import replace
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from services.alerts.overrides import LONGEST_REASON, worded
from shared.web import service_token
from tests.alerts.examples import entity
from tests.alerts.serving import HELEN, MAIR, OWEN, Served, folder, linkage, mailbox, served, streaming, until
from tests.alerts.test_service import HTML, alerts, emptied, entries, newest, rows, token_in
from tests.alerts.test_store import scored
from tests.web.processes import KEY, PATIENCE

__all__ = ["emptied", "folder", "linkage", "mailbox", "served"]

WHY = "The young person is in our office"


@pytest.fixture
async def theirs(served: Served) -> UUID:
    """An alert about Rhys Morgan, of the north; the south's Owen meets it."""
    await served.say([scored(1, 1, 0.9)])
    return (await alerts(served, 1))[0]


async def counted(served: Served, what: str) -> float:
    """How often the service counted that of overrides."""
    async with served.client(MAIR) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    name = f'jigsaw_alerts_overrides_total{{what="{what}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    ("language", "title", "form"),
    [("en", "Another team's case", "Open it in an emergency"), ("cy", "Achos tîm arall", "Ei agor mewn argyfwng")],
)
async def test_another_teams_page_says_whose_it_is_and_nothing_of_the_person(
    served: Served, theirs: UUID, language: str, title: str, form: str
) -> None:
    async with served.client(OWEN, **HTML) as owen:
        page = await owen.get(f"/alerts/{theirs}", headers={"Accept-Language": language})
    assert page.status_code == 403
    for said in (title, form, "Youth North", "60 "):
        assert said in unescape(page.text)
    for personal in ("Rhys", "Morgan", "NW1", str(entity(1)), "0000-0001", "education", "addysg", "31%", "Very high"):
        assert personal not in page.text


async def test_by_plain_forms_it_is_opened_looked_at_and_reviewed(served: Served, theirs: UUID) -> None:
    before = {what: await counted(served, what) for what in ("opened", "justified")}
    async with served.client(OWEN, **HTML) as owen, served.client(HELEN, **HTML) as helen, served.client(MAIR) as mair:
        for person in (owen, helen):
            del person.headers["X-CSRF-Token"]
        token = token_in((await owen.get(f"/alerts/{theirs}")).text)
        assert (await owen.post(f"/alerts/{theirs}/override", data={"reason": WHY})).status_code == 403, "no token"
        short = await owen.post(f"/alerts/{theirs}/override", data={"csrf": token, "reason": " \n"})
        assert (short.status_code, "Say why you need to see this case now" in short.text) == (422, True)
        for reason in (WHY, WHY, "Clicked again"):
            done = await owen.post(f"/alerts/{theirs}/override", data={"csrf": token, "reason": reason})
            assert (done.status_code, done.headers["location"]) == (303, f"/alerts/{theirs}")
        case = (await owen.get(f"/alerts/{theirs}")).text
        for said in ("Rhys Morgan", "You have opened this case in an emergency", f"“{WHY}”", "Missed 31% of lessons"):
            assert said in case
        assert f"{theirs}/acknowledge" not in case, "it is for looking"
        taken = await owen.post(f"/alerts/{theirs}/acknowledge", data={"csrf": token})
        assert taken.status_code == 403
        assert "Rhys Morgan" not in (await owen.get("/alerts/")).text, "their own queue stays theirs"
        assert (await owen.get("/alerts/overrides")).status_code == 403
        assert "1 case was opened in an emergency" in (await helen.get("/alerts/")).text
        page = (await helen.get("/alerts/overrides")).text
        for said in ("Rhys Morgan", "Owen Carter, team Youth South", f"“{WHY}”", "Open until", "Youth North"):
            assert said in page
        ((id,),) = await rows(served, "SELECT override FROM overrides")
        form = {"csrf": token_in(page), "note": "I called the school"}
        assert (await helen.post(f"/alerts/overrides/{id}/review", data=form)).status_code == 422, "no verdict"
        blank = await helen.post(f"/alerts/overrides/{id}/review", data=form | {"verdict": "justified", "note": " "})
        assert (blank.status_code, "Say what you found" in blank.text) == (422, True)
        for _ in range(2):
            kept = await helen.post(f"/alerts/overrides/{id}/review", data=form | {"verdict": "justified"})
            assert (kept.status_code, kept.headers["location"]) == (303, "/alerts/overrides")
        late = await helen.post(f"/alerts/overrides/{id}/review", data=form | {"verdict": "not_justified"})
        assert (late.status_code, "there is a verdict already" in late.text) == (409, True)
        after = (await helen.get("/alerts/overrides")).text
        assert "Nothing waits for a review." in after
        assert "“I called the school”" in after
        assert "emergency" not in (await helen.get("/alerts/")).text.split('<nav class="views"')[0]
        past = (await mair.get(f"/alerts/{theirs}", headers=HTML)).text
        for said in (
            "Opened in an emergency by another team",
            "Owen Carter",
            WHY,
            "The emergency justified it",
        ):
            assert said in past
    assert {what: await counted(served, what) - number for what, number in before.items()} == {
        "opened": 1, "justified": 1,
    }  # fmt: skip


async def test_one_who_opened_a_case_cannot_review_it_even_as_a_supervisor(served: Served, theirs: UUID) -> None:
    promoted = replace(OWEN, role="supervisor")
    async with served.client(OWEN) as owen, served.client(promoted) as boss:
        given = await owen.post(f"/alerts/api/alerts/{theirs}/override", json={"reason": WHY})
        body = {"verdict": "justified", "note": "I was right"}
        refused = await boss.post(f"/alerts/api/overrides/{given.json()['id']}/review", json=body)
        assert (refused.status_code, "yourself" in refused.json()["detail"]) == (403, True)
        page = (await boss.get("/alerts/overrides", headers=HTML)).text
        assert "another supervisor must review it" in page
        assert "/review" not in page
    assert (await rows(served, "SELECT verdict FROM overrides"))[0]["verdict"] is None


async def test_programs_open_list_and_review_for_a_person(served: Served, theirs: UUID) -> None:
    async with served.client(OWEN) as owen, served.client(HELEN) as helen:
        owen.cookies.clear()
        owen.headers["Authorization"] = f"Bearer {service_token(KEY, 'alerts', OWEN, caller='bench', purpose='neet')}"
        path = f"/alerts/api/alerts/{theirs}"
        early = await owen.get(path)
        assert (early.status_code, "youth-north" in early.json()["detail"]) == (403, True)
        given = await owen.post(f"{path}/override", json={"reason": WHY})
        assert given.status_code == 200, given.text
        seen = await owen.get(path)
        assert (seen.json()["id"], seen.json()["open_until"]) == (str(theirs), given.json()["until"])
        listed = (await helen.get("/alerts/api/overrides")).json()
        (one,) = listed["overrides"]
        assert (one["actor"], one["reason"], one["team"], one["entity"]) == ("owen", WHY, "youth-north", str(entity(1)))
        assert (listed["more"], listed["unreviewed"]) == (False, 1)
        assert (await helen.post(f"{path}/override", json={"reason": WHY})).status_code == 409, "she sees it as it is"
        review, body = f"/alerts/api/overrides/{one['id']}/review", {"verdict": "not_justified", "note": "No emergency"}
        ended = await helen.post(review, json=body)
        assert (ended.status_code, ended.json()["until"] < one["until"]) == (200, True)
        assert (await owen.get(path)).status_code == 403, "it has ended"
        assert (await owen.post(f"{path}/override", json={"reason": WHY})).status_code == 422, "with the same words"
        assert (await owen.post(f"{path}/override", json={"reason": "He is still here"})).status_code == 200
        assert (await helen.post(review, json=body | {"verdict": "justified"})).status_code == 409
        done = (await helen.get("/alerts/api/overrides?reviewed=true&limit=1")).json()
        assert [(one["verdict"], one["note"]) for one in done["overrides"]] == [("not_justified", "No emergency")]
        for missing in (f"/alerts/api/alerts/{entity(9)}/override", f"/alerts/api/overrides/{entity(9)}/review"):
            who, sent = (owen, {"reason": WHY}) if "alerts/0" in missing else (helen, body)
            assert (await who.post(missing, json=sent)).status_code == 404, missing
        assert (await owen.get("/alerts/api/overrides")).status_code == 403


HOSTILE: list[tuple[str, int]] = [
    ("a" * (LONGEST_REASON + 1), 422),
    ("a" * 1_000_000, 422),
    ("\0\0\0\0", 422),
    ("\u202e\u202e\u202e", 422),
    ("a\0b\0c he\u202e is here", 303),
    ("<script>alert(1)</script><img src=x onerror=alert(1)>", 303),
    ("%(who)s {team} {{ 7*7 }} %s", 303),
    ("'); DROP TABLE overrides; --", 303),
    ("\N{SMILING FACE WITH SUNGLASSES}" * LONGEST_REASON, 303),
]


@pytest.mark.parametrize(("reason", "status"), HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_words_are_words_or_refused(served: Served, theirs: UUID, reason: str, status: int) -> None:
    async with served.client(OWEN, **HTML) as owen, served.client(HELEN, **HTML) as helen, served.client(MAIR) as mair:
        done = await owen.post(f"/alerts/{theirs}/override", data={"reason": reason})
        assert done.status_code == status
        pages = [
            done.text, (await owen.get(f"/alerts/{theirs}")).text, (await helen.get("/alerts/overrides")).text,
            (await mair.get(f"/alerts/{theirs}", headers=HTML)).text,
        ]  # fmt: skip
        api = await owen.post(f"/alerts/api/alerts/{theirs}/override", json={"reason": reason})
    assert api.status_code == (200 if status == 303 else 422)
    for page in pages:
        assert len(page) < 60_000
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    kept = [row["reason"] for row in await rows(served, "SELECT reason FROM overrides")]
    assert kept == ([worded(reason)] if status == 303 else [])
    assert all(f"“{words}”" in unescape(pages[2]) for words in kept), "as it was typed"


async def test_open_pages_of_the_team_and_of_supervisors_hear_at_once(served: Served, theirs: UUID) -> None:
    path = f"/alerts/stream?after={await newest(served)}"
    async with (
        served.client(MAIR) as mair,
        served.client(HELEN) as helen,
        served.client(OWEN) as owen,
        streaming(mair, path) as team,
        streaming(helen, path) as supervisor,
        streaming(owen, path) as own,
    ):
        await owen.post(f"/alerts/api/alerts/{theirs}/override", json={"reason": WHY})
        async with asyncio.timeout(PATIENCE):
            told = [(await anext(team))[1], (await anext(supervisor))[1]]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(own)
    for html, link in zip(told, (f"/alerts/{theirs}", "/alerts/overrides"), strict=True):
        assert "Opened in an emergency by another team" in html
        assert f'href="{link}"' in html
        assert WHY not in html


async def test_the_mails_are_there_within_a_minute(served: Served, theirs: UUID) -> None:
    async def told(address: str) -> bool:
        return any(one["To"] == address and "emergency" in str(one["Subject"]) for one in served.mailbox.letters)

    async with served.client(OWEN) as owen, asyncio.timeout(60):
        await owen.post(f"/alerts/api/alerts/{theirs}/override", json={"reason": WHY})
        await until(lambda: told("supervisors@region.example"))
        await until(lambda: told("youth-north@region.example"))
    for letter in served.mailbox.letters:
        text = str(letter) + str(letter.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
        assert not [personal for personal in (WHY, "Owen", "Carter", "Rhys", str(entity(1))) if personal in text]


async def test_who_saw_this_person_says_which_looks_were_overrides(served: Served, theirs: UUID) -> None:
    stranger = replace(OWEN, subject="stranger")
    async with served.client(stranger) as asked:
        assert (await asked.get(f"/alerts/api/alerts/{theirs}")).status_code == 403
        given = (await asked.post(f"/alerts/api/alerts/{theirs}/override", json={"reason": WHY})).json()["id"]
        assert (await asked.get(f"/alerts/api/alerts/{theirs}")).status_code == 200
    said = [_entry(e) for e in await entries(served) if e["actor"] == "stranger"]
    assert said == [
        ("disclosure", "refused", ["team"], f"alert:{theirs}"),
        ("decision", "allowed", ["until"], f"override:{given}"),
        ("disclosure", "allowed", ["initiative", "score", "reasons", "state", "team"], f"override:{given}"),
    ]


def _entry(entry: dict[str, Any]) -> tuple[Any, ...]:
    assert entry["subject"] == str(entity(1))
    return entry["action"], entry["outcome"], entry["fields"], entry["reference"]
