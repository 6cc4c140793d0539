"""New records are linked without asking PostgreSQL anything, while nobody else changes the index; when somebody has, or
a record is not what it was taken for, the batch is begun again and asks."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bench.linkage_office import Heard, id_of, message, opened
from local.stack import Parts
from services.linkage.purposes.erasure import Erasure
from services.linkage.store import Asked, LinkageStore
from tests.linkage.test_cases import SIAN, changed
from tests.linkage.test_order import some_identities
from tests.linkage.test_replicas import anew
from tests.parts import fresh_database

OTHERS = some_identities()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many records each batch asked."""
    found: list[int] = []
    ask: Callable[..., Any] = LinkageStore.asked

    async def noted(store: LinkageStore, said: Sequence[Any]) -> Asked:
        found.append(len(said))
        answer: Asked = await ask(store, said)
        return answer

    monkeypatch.setattr(LinkageStore, "asked", noted)
    return found


def new(first: int, records: int = 3) -> list[Heard]:
    return [message(number, OTHERS[number % len(OTHERS)]) for number in range(first, first + records)]


async def test_only_the_first_batch_and_one_that_has_a_known_record_ask(parts: Parts, asked: list[int]) -> None:
    async with opened((await fresh_database(parts, "linkage")).dsn) as office:
        for first in (0, 3, 6, 9):
            await office.bus.do(new(first))
        assert asked == [3, 3], "the index was read for the first, and found undisturbed by the second"
        await office.bus.do([*new(12), message(0, changed(phone="+441597960001"), timedelta(minutes=1))])
        await office.bus.do(new(15))
        assert asked == [3, 3, 4]
        assert await office.partition() == await anew(office)
        assert len(set().union(*await office.partition())) == 18


async def test_two_who_take_turns_have_one_index(parts: Parts, asked: list[int]) -> None:
    dsn = (await fresh_database(parts, "linkage")).dsn
    async with opened(dsn) as one, opened(dsn) as other:
        for turn in range(0, 60, 10):
            for first in (turn, turn + 2, turn + 4):
                await one.bus.do(new(first, 2))
            await other.bus.do(new(turn + 6, 4))
        assert len(asked) < 24, "not every batch has asked, though each turn the index was another"
        assert await one.partition() == await other.partition() == await anew(one)
        for office in (one, other):
            await office.bus.do([message("siân", SIAN)])
            assert await office.partition() == await anew(office)


async def test_what_the_index_does_not_know_but_the_tables_do_is_not_taken_for_new(
    parts: Parts, asked: list[int]
) -> None:
    async with opened((await fresh_database(parts, "linkage")).dsn) as office:
        await office.bus.do(new(0))
        await office.bus.do(new(3))
        erasure, erased = Erasure(uuid4(), datetime.now(UTC), "a steward", "objection", "asked"), id_of("siân")
        async with office.worker.work() as work:  # as it was before this process began
            await work.store.suppress([erased], erasure)
        asked.clear()
        await office.bus.do([*new(6), message("siân", SIAN)])
        assert asked == [4], "it was begun again"
        assert set().union(*await office.partition()) == {id_of(number) for number in range(9)}
        await office.bus.do(new(9))
        assert await office.partition() == await anew(office)
