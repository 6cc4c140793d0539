"""What people and programs are answered, by the agreements as they are shipped: scores, receipts, replays, pages."""

import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from local.stack import Parts
from shared.contracts import Access, Change, EntityChanged, Event, FactLinked, Kind, ScoreChanged
from shared.contracts.envelope import first
from shared.web import Viewer
from shared.web.viewer import ROLES
from tests.parts import Databases, connected
from tests.scoring.initiative import FEATURES
from tests.scoring.serving import ENROLMENT, HIDDEN, NAMES, Served, folder, initiatives, served
from tests.scoring.test_service import NOW, Heard, fact, publish, said

__all__ = ["folder", "said", "served"]

MAIR = Viewer("mair", "Mair Hughes", "mair@example.org", "youth-worker", "youth-north", "")
HELEN = Viewer("helen", "Helen Griffiths", "helen@example.org", "supervisor", "youth-south", "")
RUTH = Viewer("ruth", "Ruth Adler", "ruth@example.org", "auditor", "governance", "")
MEI = Viewer("mei", "Mei Chen", "mei@example.org", "analyst", "analytics", "")
OPEN, CLOSED = [str(feature["name"]) for feature in FEATURES], {str(feature["name"]) for feature in HIDDEN}
REASONS = {"absence_28d", "worst_week", "aln", "school_moves", "free_meals"}


def facts_of(entity: UUID) -> list[Event[FactLinked]]:
    """Of somebody who misses nearly every lesson, has moved school, and has additional learning needs."""
    record = uuid4()
    return [
        fact(entity, record),
        fact(entity, record, ENROLMENT, aln=True, free_meals=True, reason="moved", area="north"),
    ]


@pytest.fixture(scope="module")
async def absent(parts: Parts, served: Served, said: Heard) -> ScoreChanged:
    entity = uuid4()
    await publish(parts, *facts_of(entity))

    def whole(heard: Heard) -> ScoreChanged | None:
        return next((s for s in heard.scores if s.entity == entity and {r.feature for r in s.reasons} == REASONS), None)

    found: ScoreChanged = await said.until(whole)
    return found


def one_who(asks: Viewer) -> Viewer:
    """The same person under a name that no other test's audit entries have."""
    return replace(asks, subject=f"{asks.subject}-{uuid4()}")


async def only_entry(said: Heard, asks: Viewer, outcome: str, subject: UUID | None) -> Access:
    found: Access = await said.entry(outcome, subject, asks.subject)
    assert [e for e in said.accesses if e.actor == asks.subject] == [found]
    return found


@pytest.mark.parametrize(("language", "sentence"), [("en", "absence_28d is 0.90"), ("cy", "absence_28d yw 0.90")])
async def test_a_youth_worker_is_told_the_score_and_why_in_words(
    served: Served, absent: ScoreChanged, said: Heard, language: str, sentence: str
) -> None:
    mair = one_who(MAIR)
    async with served.program(mair, **{"Accept-Language": language}) as asked:
        answer = await asked.get(f"/scoring/scores/neet/{absent.entity}")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["score"] == pytest.approx(absent.score)
    assert [reason["feature"] for reason in told["reasons"]] == ["absence_28d", "worst_week"]
    assert (told["reasons"][0]["sentence"], told["withheld"], told["team"]) == (sentence, 3, "youth-north")
    entry = await only_entry(said, mair, "allowed", absent.entity)
    assert (entry.action, entry.role, entry.purpose) == ("disclosure", "youth-worker", "neet")
    assert entry.fields == ["score", "area", "absence_28d", "worst_week"]


async def test_who_no_agreement_names_is_refused_and_that_is_audited(
    served: Served, absent: ScoreChanged, said: Heard
) -> None:
    for path in (f"scores/neet/{absent.entity}", f"receipts/{absent.receipt}", f"receipts/{absent.receipt}/replay"):
        priya = one_who(replace(MAIR, role="housing-inspector"))
        async with served.client(priya) as asked:
            answer = await asked.get(f"/scoring/{path}", params={"purpose": "neet"})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert "housing-inspector" in answer.json()["detail"]
        assert (await only_entry(said, priya, "refused", absent.entity)).fields == []
        async with served.client(None) as nobody:
            assert (await nobody.get(f"/scoring/{path}")).status_code == 401


async def test_an_unknown_entity_receipt_and_initiative_are_not_found(served: Served, said: Heard) -> None:
    unknown, mair = uuid4(), one_who(MAIR)
    async with served.program(mair) as asked:
        assert (await asked.get(f"/scoring/scores/neet/{unknown}")).status_code == 404
        assert (await asked.get(f"/scoring/receipts/{unknown}")).status_code == 404
        answer = await asked.get(f"/scoring/scores/nothing/{unknown}")
    assert (answer.status_code, "Those at work: neet" in answer.json()["detail"]) == (404, True)
    await said.entry("empty", unknown, mair.subject)
    await said.entry("empty", None, mair.subject)


@pytest.mark.parametrize("asks", [MAIR, HELEN], ids=["youth-worker", "supervisor"])
async def test_a_receipt_shows_what_the_agreements_show_and_the_rest_is_withheld(
    served: Served, absent: ScoreChanged, said: Heard, asks: Viewer
) -> None:
    asks = one_who(asks)
    async with served.client(asks) as asked:
        receipt = (await asked.get(f"/scoring/receipts/{absent.receipt}?purpose=neet")).json()
    assert [*receipt["features"]] == [*receipt["contributions"]] == OPEN
    assert receipt["withheld"] == len(CLOSED)
    assert receipt["features"]["absence_28d"] == pytest.approx(0.9)
    entry = await only_entry(said, asks, "allowed", absent.entity)
    assert (entry.fields, entry.reference) == (["score", "members", *OPEN], f"receipt:{absent.receipt}")
    asks = one_who(asks)
    async with served.client(asks) as asked:
        again = await asked.get(f"/scoring/receipts/{absent.receipt}/replay?purpose=neet")
    assert again.json()["equal"] is True
    assert not [name for name in NAMES if name in again.text]
    assert (await only_entry(said, asks, "allowed", absent.entity)).fields == ["score"]


@pytest.mark.parametrize("team", ["youth-south", "youth", ""])
async def test_another_teams_scores_and_receipts_are_refused_and_that_is_audited(
    served: Served, absent: ScoreChanged, said: Heard, team: str
) -> None:
    """As alerts does. A supervisor sees every team's, also when they are of another."""
    for path in (f"scores/neet/{absent.entity}", f"receipts/{absent.receipt}", f"receipts/{absent.receipt}/replay"):
        owen, helen = one_who(replace(MAIR, team=team)), one_who(replace(HELEN, team=team))
        async with served.client(owen) as asked:
            answer = await asked.get(f"/scoring/{path}?purpose=neet")
        assert (answer.status_code, "another team's" in answer.json()["detail"]) == (403, True)
        entry = await only_entry(said, owen, "refused", absent.entity)
        assert (entry.fields, entry.reference) == ([], f"receipt:{absent.receipt}")
        async with served.client(helen) as asked:
            assert (await asked.get(f"/scoring/{path}?purpose=neet")).status_code == 200


async def test_of_somebody_who_was_merged_no_team_sees_the_old_receipts(
    parts: Parts, served: Served, said: Heard
) -> None:
    """Their area went with the score, so the team that gets what has no area would see everybody's."""
    entity, record, into = uuid4(), uuid4(), uuid4()
    await publish(parts, fact(entity, record))
    score = await said.score(entity)
    merged = EntityChanged(
        entity=entity, kind=Kind.PERSON, version=7, change=Change.MERGED, before=[record], after=[], into=into
    )
    await publish(parts, first("/services/linkage", str(entity), merged, NOW))
    assert (await said.score(entity, score.version)).into == into
    for team in ("youth", "youth-north"):
        async with served.client(replace(MAIR, team=team)) as asked:
            assert (await asked.get(f"/scoring/receipts/{score.receipt}?purpose=neet")).status_code == 403
            assert (await asked.get(f"/scoring/scores/neet/{entity}?purpose=neet")).status_code == 403
    async with served.client(HELEN) as asked:
        assert (await asked.get(f"/scoring/scores/neet/{entity}?purpose=neet")).json()["into"] == str(into)


async def test_oversight_sees_whole_receipts_whatever_the_purpose(
    served: Served, absent: ScoreChanged, said: Heard
) -> None:
    ruth = one_who(RUTH)
    async with served.client(ruth) as asked:
        receipt = (await asked.get(f"/scoring/receipts/{absent.receipt}")).json()
    assert [*receipt["features"]] == NAMES
    assert (receipt["withheld"], receipt["features"]["aln"]) == (0, 1.0)
    assert receipt["thresholds"] == {"raise": 0.6, "lower": 0.45}
    assert receipt["agreements"] == ["schools"]
    assert len(receipt["members"]) == 1
    assert (await only_entry(said, ruth, "allowed", absent.entity)).fields == ["score", "members", *NAMES]


@pytest.mark.parametrize(("language", "words"), [("en", "How the scores lie"), ("cy", "Sut mae'r sgoriau'n gorwedd")])
async def test_the_pages_say_what_an_initiative_is_for(
    served: Served, absent: ScoreChanged, language: str, words: str
) -> None:
    async with served.client(MEI, Accept="text/html", **{"Accept-Language": language}) as page:
        every, one = await page.get("/scoring/"), await page.get("/scoring/initiatives/neet")
        missing = await page.get("/scoring/initiatives/nothing")
    assert (every.status_code, one.status_code, missing.status_code) == (200, 200, 404)
    assert "/scoring/initiatives/neet" in every.text
    assert words in one.text.replace("&#39;", "'")
    assert "<svg" in one.text
    assert "weights by hand" in one.text
    async with served.client(None, Accept="text/html") as nobody:
        assert (await nobody.get("/scoring/")).status_code == 303


@pytest.mark.parametrize("role", [*ROLES, "a-role-of-tomorrow"])
async def test_pages_of_initiatives_are_for_those_who_answer_for_them(served: Served, role: str) -> None:
    may = role in ("supervisor", "analyst", "auditor")
    async with served.client(replace(MEI, role=role)) as asked:
        for path in ("/scoring/", "/scoring/initiatives/neet", "/scoring/initiatives"):
            assert (await asked.get(path)).status_code == (200 if may else 403), path


@pytest.mark.parametrize(("language", "few"), [("en", "fewer than 5"), ("cy", "llai na 5")])
async def test_no_number_of_people_is_shown_from_which_somebody_could_be_picked_out(
    parts: Parts, served: Served, absent: ScoreChanged, said: Heard, databases: Databases, language: str, few: str
) -> None:
    """Fewer than five are not counted; the rest is in fives, or the total less the rest would be the few."""
    crowd = [uuid4() for _ in range(7)]
    await publish(parts, *(fact(one, uuid4(), sessions_missed=1, sessions_possible=10) for one in crowd))
    for one in crowd:
        await said.score(one)
    async with connected(databases.dsn) as connection:
        scores = [row["score"] for row in await connection.fetch("SELECT score FROM scores WHERE score IS NOT NULL")]
    exact = [sum(int(score * 20) == step for score in scores) for step in range(20)]
    assert {0 < number < 5 for number in exact} == {True, False}
    assert any(number > 5 for number in exact)

    def told(number: int) -> str:
        return few if number < 5 else str(number // 5 * 5)

    async with served.client(MEI, Accept="text/html", **{"Accept-Language": language}) as page:
        every, one = (await page.get("/scoring/")).text, (await page.get("/scoring/initiatives/neet")).text
    steps = re.findall(r'<th scope="row"[^>]*>[^<]*%</th>\s*<td[^>]*>([^<]*)</td>', one)
    assert steps == [told(number) for number in exact]
    assert one.count('height="0') == sum(number < 5 for number in exact)
    above = sum(score >= 0.6 for score in scores)
    between = sum(0.45 <= score < 0.6 for score in scores)
    values = re.findall(r'<dd class="govuk-summary-list__value">([^<]*)</dd>', one)
    assert [told(len(scores)), told(above), told(between)] == values[1:4]
    values = re.findall(r'<dd class="govuk-summary-list__value">([^<]*)</dd>', every)
    assert [told(len(scores)), told(above)] == values[:2]


async def test_a_new_model_scores_everything_again_and_old_receipts_still_replay(
    served: Served, absent: ScoreChanged, said: Heard, tmp_path: Path
) -> None:
    """A feature that the initiative does not name any more is shown to oversight, and by no agreement."""
    cautious = served.replica(JIGSAW_INITIATIVES=str(initiatives(tmp_path, 0.1, without="worst_week")))
    lower = await said.score(absent.entity, absent.version)
    assert lower.model != absent.model
    assert lower.score is not None
    assert lower.score < 0.5
    for asks, names in ((RUTH, NAMES), (MAIR, [name for name in OPEN if name != "worst_week"])):
        async with served.client(asks) as asked:
            asked.base_url = cautious
            receipt = (await asked.get(f"/scoring/receipts/{absent.receipt}?purpose=neet")).json()
            again = (await asked.get(f"/scoring/receipts/{absent.receipt}/replay?purpose=neet")).json()
        assert [*receipt["features"]] == names
        assert receipt["withheld"] == len(NAMES) - len(names)
        assert again["equal"] is True
        assert again["recomputed"] == pytest.approx(absent.score)
