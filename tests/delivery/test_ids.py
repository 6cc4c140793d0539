"""Ids that are a function of what they name, some of them in the order of time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from shared.ids import apart_from_time, id_at, id_of

MOMENTS = some.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


@given(MOMENTS, MOMENTS)
def test_ids_are_in_the_order_of_their_milliseconds(one: datetime, other: datetime) -> None:
    if other - one >= timedelta(milliseconds=1):
        assert id_at(one, "a", "b") < id_at(other, "a", "c")


@given(MOMENTS)
def test_an_id_tells_what_it_names_whenever_that_was(at: datetime) -> None:
    assert apart_from_time(id_at(at, "a", "b")) == apart_from_time(id_of("a", "b")) != apart_from_time(id_of("a", "c"))


def test_a_moment_before_1970_has_an_id_too() -> None:
    assert id_at(datetime(1066, 10, 14, tzinfo=UTC), "a") != id_at(datetime(1066, 10, 15, tzinfo=UTC), "a")
