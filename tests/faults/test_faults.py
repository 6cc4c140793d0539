"""The whole pipeline as five processes, under load, with everything that goes wrong (longer: `jigsaw bench faults`)."""

from collections.abc import AsyncIterator

import pytest

from bench.faults import HARMS, Trial
from bench.stack import fresh_stack


@pytest.fixture(scope="module")
async def trial() -> AsyncIterator[Trial]:
    async with fresh_stack() as stack:
        yield Trial(stack)


@pytest.mark.parametrize(("number", "name"), list(enumerate(HARMS)))
async def test_nothing_is_lost_and_nothing_done_twice(trial: Trial, number: int, name: str) -> None:
    done = await trial.round(name, seed=500 + number)
    assert done.times or name == "sent twice, shuffled"
    assert done.account.accepted
    assert (done.lost, done.duplicated, done.buried) == (0, 0, 0), done
