"""What is news, what is a reason, who is scored: pure decisions."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain import (
    NOWHERE,
    Addition,
    Assessed,
    Claim,
    Ending,
    Known,
    Said,
    departure_of,
    each_once,
    is_news,
    is_over,
    newest_claims,
    reasons_of,
    together,
    top_reasons,
)
from services.scoring.judging import Running, judged, load
from shared.contracts import Change, EntityChanged, Kind
from shared.initiatives import Initiatives, Thresholds
from tests.scoring.initiative import ATTENDANCE, EXCLUSION, write

NOW = datetime(2026, 3, 1, tzinfo=UTC)
THRESHOLDS = Thresholds.model_validate({"raise": 0.6, "lower": 0.45})
NOTHING = np.zeros(0, np.float32)
ENTITY = uuid4()


def said(**changes: object) -> Said:
    usual = Said(7, 0.5, "absence", "north", None, 3, "model", uuid4(), None, date(2026, 4, 1), ENTITY)
    return usual._replace(**changes)  # type: ignore[arg-type]


def now(**changes: object) -> Assessed:
    usual = Assessed(
        ENTITY, ENTITY, NOTHING, NOTHING, 0.5, "absence", NOW, date(2026, 4, 1), None, "north", "schools", [], 3
    )  # fmt: skip
    return usual._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (None, now(), True),
        (said(score=None), now(), True),
        (said(), now(), False),
        (said(), now(score=0.505), False),
        (said(), now(whole=uuid4()), True),
        (said(), now(score=0.52), True),
        (said(score=0.598), now(score=0.602), True),
        (said(score=0.449), now(score=0.451), True),
        (said(), now(reasons="absence,missing"), True),
        (said(), now(area="south"), True),
        (said(model="older"), now(), True),
    ],
)
def test_what_is_news(before: Said | None, after: Assessed, news: bool) -> None:
    assert is_news(before, after, "model", THRESHOLDS) is news


@pytest.mark.parametrize(
    ("before", "ending", "over"),
    [
        (said(), None, False),
        (said(membership=9), Ending(8, None), False),
        (said(), Ending(8, None), True),
        (said(score=None), Ending(8, None), False),
        (said(score=None), Ending(8, ENTITY), True),
        (said(score=None, into=ENTITY), Ending(8, ENTITY), False),
    ],
)
def test_a_score_is_taken_back_once_linkage_has_said_so(before: Said, ending: Ending | None, over: bool) -> None:
    assert is_over(before, ending) is over


def test_the_reasons_are_the_few_that_add_most() -> None:
    contributions = np.array([[0.3, -2.0, 0.05, 1.0, 0.2, 0.15, 0.12], [-1, -1, -1, -1, -1, -1, -1]], np.float32)
    names = "abcdefg"
    assert top_reasons(contributions, names) == ["a,d,e,f,g", ""]
    found = reasons_of(names, np.arange(7, dtype=np.float32), contributions[0], "a,d,e,f,g")
    assert [reason.feature for reason in found] == ["d", "a", "e", "f", "g"]
    assert found[0].value == 3.0


@given(st.permutations([Claim(UUID(int=1), UUID(int=entity), version) for entity in (1, 2) for version in (1, 2, 5)]))
def test_the_highest_version_holds_in_any_order(claims: list[Claim]) -> None:
    assert newest_claims(claims) == {UUID(int=1): Claim(UUID(int=1), UUID(int=2), 5)}


def change(kind: Change, before: list[UUID], after: list[UUID]) -> EntityChanged:
    return EntityChanged(entity=ENTITY, kind=Kind.PERSON, version=4, change=kind, before=before, after=after)


def test_only_what_takes_away_is_a_departure() -> None:
    one, two = uuid4(), uuid4()
    assert departure_of(change(Change.CREATED, [], [one])) is None
    assert departure_of(change(Change.GREW, [one], [one, two])) is None
    shrank, ended = (
        departure_of(change(Change.SHRANK, [one, two], [two])),
        departure_of(change(Change.ERASED, [one], [])),
    )
    assert shrank is not None
    assert (shrank.remaining, shrank.ended) == ({two}, False)
    assert ended is not None
    assert ended.ended


def test_additions_to_one_record_come_together() -> None:
    early = Addition(b"a", NOW, 5, "north", NOW, "schools")
    late = Addition(b"b", NOW + timedelta(days=1), 4, "", NOWHERE, "police")
    assert together([early, late]) == Addition(b"ab", late.newest, 4, "north", NOW, "police,schools")
    assert each_once("b,a,b") == "a,b"


@pytest.fixture
def grown_ups_apart(tmp_path: Path) -> Running:
    """The test's initiative, for those who have missed a week's lessons at most once."""
    folder = write(
        tmp_path, change=lambda s: s["data"].update(population={"feature": "worst_week", "least": 1, "most": 5})
    )
    return load(Initiatives.load(folder))[0]


def known(one: Running, missed: int) -> Callable[[UUID], dict[tuple[UUID, str], Known]]:
    tiles = one.features.tiles(ATTENDANCE, NOW, {"sessions_missed": missed, "sessions_possible": 10})
    return lambda entity: {(entity, "neet"): Known(entity, tiles, NOW, None, "schools", [uuid4()], 1)}


def test_who_is_outside_the_population_has_no_score(grown_ups_apart: Running) -> None:
    inside, outside = uuid4(), uuid4()
    everybody = known(grown_ups_apart, 3)(inside) | known(grown_ups_apart, 9)(outside)
    judgement = judged(grown_ups_apart, everybody, {}, {})
    assert [news.entity for news in judgement.news] == [inside]
    assert not judgement.overs


def test_who_leaves_the_population_loses_the_score_once(grown_ups_apart: Running) -> None:
    left = known(grown_ups_apart, 9)(ENTITY)
    judgement = judged(grown_ups_apart, left, {(ENTITY, "neet"): said()}, {})
    assert [over.entity for over in judgement.overs] == [ENTITY]
    again = judged(grown_ups_apart, left, {(ENTITY, "neet"): said(score=None, due=None)}, {})
    assert not again.overs
    assert not again.postponed


def test_a_window_that_moved_on_lowers_the_score_on_the_day_it_is_due(running: list[Running]) -> None:
    (one,) = running
    tiles = one.features.tiles(EXCLUSION, NOW, {"days": 2})
    counted = {(ENTITY, "neet"): Known(ENTITY, tiles, NOW, None, "schools", [uuid4()], 1)}
    first = judged(one, counted, {}, {}).news[0]
    due = first.due
    assert due == (NOW + timedelta(days=90)).date()
    before = said(score=first.score, reasons=first.reasons, area=None, model=one.model.sha256, due=due)
    early = judged(one, counted, {(ENTITY, "neet"): before}, {}, due - timedelta(days=1))
    assert not early.news
    assert not early.postponed
    (aged,) = judged(one, counted, {(ENTITY, "neet"): before}, {}, due).news
    assert aged.score < first.score
    assert (aged.swept, aged.due) == (due, None)


def test_a_part_that_is_no_more_is_taken_back_and_leads_nowhere(running: list[Running]) -> None:
    part = uuid4()
    judgement = judged(running[0], known(running[0], 9)(ENTITY), {(part, "neet"): said()}, {})
    assert [(over.entity, over.ending.into) for over in judgement.overs] == [(part, None)]


def test_a_score_that_lost_its_receipt_is_said_again(running: list[Running]) -> None:
    (one,) = running
    counted = known(one, 9)(ENTITY)
    first = judged(one, counted, {}, {}).news[0]
    before = said(score=first.score, reasons=first.reasons, area=None, model=one.model.sha256, due=first.due)
    assert not judged(one, counted, {(ENTITY, "neet"): before}, {}).news
    assert judged(one, counted, {(ENTITY, "neet"): before}, {}, unreceipted={ENTITY}).news
