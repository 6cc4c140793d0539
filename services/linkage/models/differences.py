"""What another model would change: one partition of the records against another. Pure; ids and counts, no identity."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

E = TypeVar("E")
Group = Sequence[tuple[UUID, E]]
"""The cells of one entity: what it shares with each entity of the other partition."""
Fate = Literal["joined", "parted"]
SAMPLED = 60
"""Changes shown of each fate, drawn at random: what a person reads to judge the rest."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two records that would be of one entity and are not, or the other way round; and their entities now."""

    fate: Fate
    left: UUID
    right: UUID
    entities: tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Differences:
    """As of the index's ``version``. ``joined``: entities that would share one with another's records; ``parted``:
    entities whose records would be of several. ``gained`` and ``lost`` count pairs of records."""

    version: int
    records: int
    entities: int
    would_be: int
    joined: int
    parted: int
    gained: int
    lost: int
    sample: Sequence[Change]


REPORT = TypeAdapter(Differences)
"""How differences are kept as JSON and read again."""


def differences(version: int, now: Mapping[UUID, UUID], then: Mapping[UUID, E], *, seed: int = 1) -> Differences:
    """``now`` and ``then``: the entity of each record, of one set of records. The same seed, the same sample."""
    cells = Counter((now[record], then[record]) for record in now)
    by_now, by_then = _sides(cells, 0), _sides(cells, 1)
    joined = [group for group in by_then.values() if len(group) > 1]
    parted = [group for group in by_now.values() if len(group) > 1]
    together, kept = _pairs(Counter(now.values()).values()), _pairs(cells.values())
    first: dict[tuple[UUID, E], UUID] = {}
    for record in sorted(now):
        first.setdefault((now[record], then[record]), record)
    random = Random(seed)  # noqa: S311 (a sample, not a secret)
    sample = [
        *(_change("joined", group, first) for group in _drawn(random, joined, first)),
        *(_change("parted", group, first) for group in _drawn(random, parted, first)),
    ]
    return Differences(
        version=version, records=len(now), entities=len(by_now), would_be=len(by_then), parted=len(parted),
        joined=len({entity for group in joined for entity, _ in group}),
        gained=_pairs(Counter(then.values()).values()) - kept, lost=together - kept, sample=sample,
    )  # fmt: skip


def _sides(cells: Counter[tuple[UUID, E]], side: int) -> dict[UUID | E, Group[E]]:
    """The cells of each entity on one side, the largest first."""
    found: defaultdict[UUID | E, list[tuple[UUID, E]]] = defaultdict(list)
    for cell in cells:
        found[cell[side]].append(cell)
    for group in found.values():
        if len(group) > 1:
            group.sort(key=lambda cell: (-cells[cell], cell[0], str(cell[1])))
    return dict(found)


def _drawn(random: Random, groups: Sequence[Group[E]], first: Mapping[tuple[UUID, E], UUID]) -> list[Group[E]]:
    ordered = sorted(groups, key=lambda group: first[group[0]])
    return random.sample(ordered, min(SAMPLED, len(ordered)))


def _change(fate: Fate, group: Group[E], first: Mapping[tuple[UUID, E], UUID]) -> Change:
    one, other = group[0], group[1]
    return Change(fate, first[one], first[other], (one[0], other[0]))


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
