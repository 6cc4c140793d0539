"""Several processes do what one does: in order, and no more at once than is asked for."""

from collections.abc import Iterator
from math import sqrt

import pytest

from shared.parallel import AHEAD, in_order


def test_results_come_in_order_and_items_are_drawn_as_they_are_needed() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1, 101):
            drawn.append(number)
            yield number

    found = in_order(sqrt, items(), processes=2)
    assert next(found) == 1
    assert len(drawn) == 2 * AHEAD
    assert list(found) == [sqrt(number) for number in range(2, 101)]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_goes_wrong_in_another_process_goes_wrong_here(processes: int) -> None:
    with pytest.raises(ValueError, match="math domain"):
        list(in_order(sqrt, [4, -4, 9], processes))
