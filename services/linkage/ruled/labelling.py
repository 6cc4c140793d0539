"""Which readings are of one by rules alone. Pure: no index, a function of the readings of a region and their rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class Reading(Protocol):
    """What a record says of its subject. Hashable and ordered; equal readings are one."""

    @property
    def number(self) -> str:
        """The number that says which subject it is; "" where there is none."""

    @property
    def is_pinned(self) -> bool:
        """Whether it can tell its subject from others of the kind without a number."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What readings must share one of to be compared. Without number and keys a reading is nobody's."""

    def __lt__(self, other: Any, /) -> bool: ...


R = TypeVar("R", bound=Reading)


@dataclass(frozen=True, slots=True)
class Rule(Generic[R]):
    """Two readings of which it holds are of one subject. Symmetric."""

    name: str
    holds: Callable[[R, R], bool]


Label = tuple[str, Any]
"""What all readings of a group have in common: its number, or the least of the readings that make it."""


def labelled(region: Mapping[R, Mapping[R, int]]) -> dict[R, Label]:
    """The label of each reading of a region that is whole: what its rules lead to is in it, or has a number."""
    labels: dict[R, Label] = {one: ("number", one.number) for one in region if one.number}
    labels |= {one: ("nobody", one) for one in region if not one.number and not one.keys}
    for pinned in (True, False):
        tier = [one for one in region if one not in labels and one.is_pinned is pinned]
        led = {one: led_to(region[one], labels) for one in tier}
        labels |= _joined([one for one in tier if not led[one]], region)
        labels |= {one: next(iter(to)) if len(to) == 1 else ("reading", one) for one, to in led.items() if to}
    return labels


def led_to(agreeing: Mapping[R, int], labels: Mapping[R, Label]) -> set[Label]:
    """The groups that the surest of a reading's rules lead to."""
    groups = {one: labels.get(one) or (("number", one.number) if one.number else None) for one in agreeing}
    surest = min((by for one, by in agreeing.items() if groups[one]), default=None)
    return {group for one, by in agreeing.items() if by == surest and (group := groups[one])}


def _joined(free: Sequence[R], region: Mapping[R, Mapping[R, int]]) -> dict[R, Label]:
    """Connected parts of readings that lead to no group, each named by its least."""
    labels: dict[R, Label] = {}
    among = set(free)
    for start in sorted(free):
        ahead = [start]
        while ahead:
            reading = ahead.pop()
            if reading not in labels:
                labels[reading] = ("reading", start)
                ahead += [other for other in region[reading] if other in among]
    return labels
