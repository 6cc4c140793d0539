"""The way into the database: one transaction for a post, or for all posts that arrived while the last one committed.

Invariants
    1. An event is accepted at most once, whoever posts it how often and to however many replicas at once: its receipt's
       key decides, and the receipt, the news, the audit entries and the counts are one transaction.
    2. A sender that reads "accepted" can forget the event.
    3. A post that fails for a reason of our own does not take its neighbours with it.
    4. What waits is bounded: beyond it posts are told to come again, so memory is too.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

from services.ingest import metrics
from services.ingest.domain import Judgement
from services.ingest.store import IngestStore
from services.ingest.verdicts import REFUSED, Post, Tally, Verdict, chosen, settles, tallied, verdict
from shared.contracts import Access, Action, Event, RecordsAccepted
from shared.contracts.access import Outcome
from shared.contracts.envelope import child_of, first
from shared.errors import Unavailable
from shared.work import Worker

SOURCE = "/services/ingest"
MOST_EVENTS = 1000
"""A transaction: above this the posts that wait take turns."""

MOST_WAITING = 5000
"""Events that may wait for their transaction: a second or two of work, some 40 MB."""

Waiting = tuple[Post, "asyncio.Future[list[Verdict]]"]


class Intake:
    """Takes posts in, at most one transaction of this process at a time."""

    def __init__(self, worker: Worker[IngestStore], clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._worker, self._clock = worker, clock
        self._waiting: deque[Waiting] = deque()
        self._events = 0
        self._run: asyncio.Task[None] | None = None

    async def take(self, post: Post) -> list[Verdict]:
        """The verdicts of a post, once they are durable. Raises ``Unavailable``: nothing was done, or all of it was,
        and the same post sent again finds out."""
        if not post.judgements:
            return []
        if self._events + len(post.judgements) > MOST_WAITING:
            raise Unavailable("more events wait than are worth keeping in memory")
        answer: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        self._waiting.append((post, answer))
        self._events += len(post.judgements)
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self._work_off())
        return await answer

    async def refuse(self, actor: str, reference: str, trace: str) -> None:
        """Account for somebody who had no right to send."""
        async with self._worker.work() as work:
            work.audit([_access(actor, self._clock(), trace, reference=reference, outcome=Outcome.REFUSED)])

    async def _work_off(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                await self._answer(group)
            except Exception as error:
                await self._answer_each(group, error)

    def _next_group(self) -> list[Waiting]:
        group: list[Waiting] = []
        events = 0
        while self._waiting and (not group or events + len(self._waiting[0][0].judgements) <= MOST_EVENTS):
            group.append(self._waiting.popleft())
            events += len(group[-1][0].judgements)
        self._events -= events
        return group

    async def _answer(self, group: Sequence[Waiting]) -> None:
        began = perf_counter()
        verdicts = await self._commit([post for post, _ in group])
        metrics.COMMIT_SECONDS.observe(perf_counter() - began)
        metrics.POSTS.observe(len(group))
        for (_, answer), said in zip(group, verdicts, strict=True):
            if not answer.done():
                answer.set_result(said)

    async def _answer_each(self, group: Sequence[Waiting], error: Exception) -> None:
        """A part that is away is away for all; a bug of ours is one post's, so each tries alone."""
        for waiting in group:
            try:
                if len(group) == 1 or isinstance(error, Unavailable):
                    raise error
                await self._answer([waiting])
            except Exception as alone:
                if not waiting[1].done():
                    waiting[1].set_exception(alone)

    async def _commit(self, posts: Sequence[Post]) -> list[list[Verdict]]:
        counting = chosen(posts)
        at = self._clock()
        async with self._worker.work() as work:
            receiving = asyncio.create_task(work.store.receive(counting, at))
            try:
                await asyncio.sleep(0)  # the question is on its way
                drafts = _drafted(posts, at)
            finally:
                new = await receiving  # nothing else may use the connection before, least of all to roll back
            repeated = [id for id in counting if id not in new]
            before = await work.store.accepted_before(repeated) if repeated else set()
            verdicts = [[verdict(j, counting, new, before) for j in post.judgements] for post in posts]
            for judgement, news, accesses in drafts:
                if settles(judgement, counting, new):
                    work.say(news)
                    work.audit(accesses)
            tallies = tallied(posts, verdicts)
            await work.store.count(tallies, at)
        _measure(tallies)
        return verdicts


Draft = tuple[Judgement, Sequence[Event[RecordsAccepted]], Sequence[Access]]
"""What follows from a judgement if it settles its event."""


def _drafted(posts: Sequence[Post], at: datetime) -> list[Draft]:
    """Of all judgements, while the database finds out which of the events are new: nearly all are."""
    return [(one, _news(one, post.trace, at), _accesses(one, post, at)) for post in posts for one in post.judgements]


def _news(judgement: Judgement, trace: str, at: datetime) -> list[Event[RecordsAccepted]]:
    """The event that was accepted; its id is the receipt's, so that every hop can name what it came from."""
    body, receipt = judgement.body, judgement.receipt
    if body is None or receipt is None:
        return []
    return [first(SOURCE, str(body.records[0].id), body, at, child_of(trace), receipt.hex)]


def _accesses(judgement: Judgement, post: Post, at: datetime) -> list[Access]:
    """A collection entry for each record taken in; a refused one for an event that its sender had no right to send."""
    actor, reference, body = f"partner:{post.partner}", str(judgement.receipt or judgement.reason), judgement.body
    if body is None:
        refused = judgement.reason in REFUSED
        return [_access(actor, at, post.trace, reference=reference, outcome=Outcome.REFUSED)] if refused else []
    purpose = ",".join(body.purposes)
    return [
        Access(
            at=at, actor=actor, role="partner", service="ingest", action=Action.COLLECTION, subject=record.id,
            purpose=purpose, agreement=body.agreement, fields=list(record.identity), outcome=Outcome.ALLOWED,
            reference=reference, trace=post.trace,
        )
        for record in body.records
    ]  # fmt: skip


def _access(actor: str, at: datetime, trace: str, *, reference: str, outcome: Outcome) -> Access:
    return Access(
        at=at, actor=actor, role="partner", service="ingest", action=Action.COLLECTION, subject=None, purpose="",
        agreement="", outcome=outcome, reference=reference, trace=trace,
    )  # fmt: skip


def _measure(tallies: dict[Tally, int]) -> None:
    for tally, events in tallies.items():
        if tally.verdict == "finding":
            metrics.FINDINGS.labels(tally.reason).inc(events)
            continue
        metrics.EVENTS.labels(tally.partner, tally.verdict).inc(events)
        if tally.verdict == "rejected":
            metrics.REJECTED.labels(tally.partner, tally.reason).inc(events)
