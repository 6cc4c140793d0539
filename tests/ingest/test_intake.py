"""Posts that share a transaction: together while all is well, each for itself when one meets a bug of ours."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain import Judgement, Rules, judge
from services.ingest.intake import MOST_WAITING, Intake
from services.ingest.store import IngestStore
from services.ingest.verdicts import Post, chosen, tallied, verdict
from shared.contracts.envelope import new_trace
from shared.errors import Unavailable
from shared.service import Service
from tests.ingest.events import event
from tests.ingest.test_judging import AGREEMENTS, HOUSING

RULES = Rules(AGREEMENTS)


def good(number: int | None = None) -> Judgement:
    sent = event() if number is None else event(id=f"event-{number}")
    return judge(sent, HOUSING, RULES, datetime.now(UTC))


def post(*judgements: Judgement) -> Post:
    return Post("housing", judgements, new_trace())


async def test_one_bad_post_does_not_take_its_neighbours_with_it(ingest: Service[IngestStore]) -> None:
    intake = Intake(ingest.worker)
    poison = good()._replace(id="PostgreSQL takes no \0")
    posts = [post(good()), post(good()), post(good(), poison), post(good())]
    answers = await asyncio.gather(*map(intake.take, posts), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [False, False, True, False]
    again = await intake.take(post(*posts[1].judgements, posts[2].judgements[0], *posts[3].judgements))
    assert [one.verdict for one in again] == ["duplicate", "accepted", "duplicate"]


async def test_a_post_that_cannot_be_said_is_alone_with_it_too(ingest: Service[IngestStore]) -> None:
    """It is found while the database is asked, and must not be taken for a database that is away: that all would be."""
    intake, whole = Intake(ingest.worker), good()
    assert whole.body is not None
    poison = whole._replace(body=whole.body.model_copy(update={"records": []}))
    posts = [post(good(1)), post(good(2)), post(poison), post(good(3))]
    answers = await asyncio.gather(*map(intake.take, posts), return_exceptions=True)
    assert [type(answer) for answer in answers] == [list, list, IndexError, list]


async def test_what_waits_is_bounded(ingest: Service[IngestStore]) -> None:
    intake = Intake(ingest.worker)
    many = post(*[good()._replace(receipt=None, body=None, reason="no_data")] * 500)
    tasks = [asyncio.create_task(intake.take(many)) for _ in range(MOST_WAITING // 500 + 1)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [Unavailable]
    assert len(await intake.take(many)) == 500


async def test_a_sender_that_hangs_up_leaves_the_others_alone(ingest: Service[IngestStore]) -> None:
    intake = Intake(ingest.worker)
    posts = [post(good()) for _ in range(3)]
    tasks = [asyncio.create_task(intake.take(one)) for one in posts]
    await asyncio.sleep(0)
    tasks[1].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [False, True, False]
    assert [one.verdict for one in await intake.take(posts[1])] == ["duplicate"]


_EVENTS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=5), min_size=1, max_size=4)


@given(_EVENTS, st.sets(st.integers(0, 5)))
def test_of_one_id_one_event_counts_and_every_other_is_a_duplicate(
    sent: Sequence[Sequence[tuple[int, bool]]], known: set[int]
) -> None:
    """``sent``: posts of (id, acceptable); ``known``: ids that were accepted before."""
    kinds = {
        (n, fit): good(n) if fit else good(n)._replace(body=None, reason="no_data") for n in range(6) for fit in (0, 1)
    }
    posts = [post(*(kinds[one]._replace() for one in events)) for events in sent]
    before = {kinds[n, True].receipt for n in known}
    counting = chosen(posts)
    new = {receipt for receipt in counting if receipt not in before}
    verdicts = [[verdict(j, counting, new, {b for b in before if b}) for j in one.judgements] for one in posts]
    for number in range(6):
        said = [v for one in verdicts for v in one if v.id == f"event-{number}"]
        fit = any(fit for events in sent for n, fit in events if n == number)
        first = [v.verdict for v in said if v.verdict != "duplicate"]
        if number in known or not said:
            assert first == []
        else:
            assert first == ["accepted" if fit else "rejected"]
        assert all(v.first == ("accepted" if fit or number in known else "rejected") for v in said if v.first)
    counted = tallied(posts, verdicts)
    assert sum(n for tally, n in counted.items() if tally.verdict != "finding") == sum(map(len, sent))
