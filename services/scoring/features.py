"""Features: what is counted of each record, and how the counts become the model's input. Pure; exact in any order.

A state is a row of *tiles*, packed: key and value, 8 bytes each. A key is a cell (what is counted) and a time (the day
that it is counted under, or the moment of the newest value); a value is in millionths, so that sums of whole numbers
and decimals come out the same in whatever order they are added. Windows end at the day of ``as_of`` and move by whole
days (sawtooth windows on event time): a late fact lands in the tile of its own day.

    tiles(fact)               what a fact adds; states put together are a state, so are a state and tiles
    merge(states)             an entity's state is its records' together
    settled(states)           of each state, each key once, sorted, without what no feature counts any more
    evaluated(states, as_of)  the model's input: float32, a row each, one column a feature
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from hashlib import blake2b
from itertools import chain, pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.contracts.records import Fact
from shared.initiatives import Feature

State: TypeAlias = bytes
Whole: TypeAlias = NDArray[np.int64]

EMPTY: State = b""
TILE = np.dtype("<i8")
TILE_BYTES = 2 * TILE.itemsize
DAY = 86_400
TIME_BITS = 40
MILLIONTHS = 1_000_000
MOST = 1e9
MOMENT = (1 << TIME_BITS) - 1
FOREVER = 1 << TIME_BITS
"""Days: a window that nothing leaves."""
EPOCH = date(1970, 1, 1).toordinal()
DERIVED = ("any", "mean", "ratio", "days_since")
"""Features that are more than what one cell holds."""


class Fold(IntEnum):
    """How two values of one key become one."""

    SUM = 0
    PEAK = 1
    LAST = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """Something counted: the fact of this name, or 1. ``days`` is the window, 0 for ever.

    Its ``id`` is a hash of its definition: a feature that is redefined starts from nothing, the others keep what they
    have.
    """

    id: int
    definition: str
    fold: Fold
    days: int
    fact: str | None

    @property
    def key(self) -> int:
        return self.id << TIME_BITS

    @property
    def clock(self) -> int:
        """Which of (moment, day, ever) a tile is counted under."""
        return 0 if self.fold is Fold.LAST else 1 if self.days else 2


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one feature takes from one type of event: only if all of ``needs`` are there, and ``where`` is met."""

    where: Mapping[str, object]
    needs: frozenset[str]
    cells: tuple[tuple[int, int, str | None], ...]


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The tiles of many states: row i belongs to state ``group[i]``."""

    group: Whole
    key: Whole
    value: Whole


@dataclass(frozen=True, slots=True)
class Evaluated:
    """``vectors`` float32 (states, features); ``due`` the day of each state on which a window next loses something."""

    vectors: NDArray[np.float32]
    due: list[date | None]


class Counted(NamedTuple):
    """One tile: the features that count it (none does any more: empty), when it happened, or on which day, in seconds
    since 1970 (``None``: it is counted for ever), and how much."""

    features: tuple[str, ...]
    at: int | None
    amount: float


class Features:
    """The features of one initiative, compiled. Raises ``ValueError`` for a definition that cannot be counted."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.names = tuple(feature.name for feature in features)
        self._features = features
        made = [_cells(feature) for feature in features]
        cells = sorted({cell.id: cell for cells in made for cell in cells}.values(), key=lambda cell: cell.id)
        if len(cells) != len({cell.definition for some in made for cell in some}):
            raise ValueError(f"two of {self.names} have the same hash: rename a fact or change a window")
        self._ids = np.array([cell.id for cell in cells], np.int64)
        self._fold = np.array([cell.fold for cell in cells], np.int64)
        self._days = np.array([cell.days or FOREVER for cell in cells], np.int64)
        self._summed = self._fold == Fold.SUM
        self._clock = np.where(self._fold == Fold.LAST, MOMENT, 0)
        place = {cell.id: i for i, cell in enumerate(cells)}
        self._columns = [[place[cell.id] for cell in some] for some in made]
        self._first = np.array([some[0] for some in self._columns])
        self._defaults = np.array([feature.default for feature in features])
        self._derived = [i for i, feature in enumerate(features) if feature.kind in DERIVED]
        self._ageing = [some[0] for some, f in zip(self._columns, features, strict=True) if f.kind == "days_since"]
        self._readings: dict[str, list[_Reading]] = {}
        self._needs: dict[str, frozenset[str]] = {}
        for feature, some in zip(features, made, strict=True):
            needs = frozenset(name for name in (feature.fact, feature.over) if name)
            reading = _Reading(feature.where, needs, tuple((cell.key, cell.clock, cell.fact) for cell in some))
            for event in feature.events:
                self._readings.setdefault(event, []).append(reading)
                self._needs[event] = self._needs.get(event, frozenset()) | needs

    def reads(self, event: str) -> bool:
        return event in self._readings

    def tiles(self, event: str, occurred: datetime, facts: Mapping[str, Fact]) -> State:
        """What one fact adds to the state of its record."""
        moment = max(0, int(occurred.timestamp()))
        clocks = (moment, moment - moment % DAY, 0)
        needs = self._needs.get(event, frozenset())
        numbers = {n: _millionths(v) for n, v in facts.items() if n in needs and not isinstance(v, str)}
        found: dict[int, int] = {}  # a cell that two features share is counted once
        for reading in self._readings.get(event, ()):
            if reading.where and not _meets(reading.where, facts):
                continue
            if reading.needs <= numbers.keys():
                for key, clock, fact in reading.cells:
                    found[key | clocks[clock]] = numbers[fact] if fact else MILLIONTHS
        return struct.pack(f"<{2 * len(found)}q", *chain.from_iterable(found.items()))

    def merge(self, states: Sequence[State]) -> State:
        return self.settled([b"".join(states)])[0]

    def counted(self, state: State) -> list[Counted]:
        """What a state is made of, tile by tile, as it is kept."""
        names = {
            id: tuple(n for n, some in zip(self.names, self._columns, strict=True) if column in some)
            for column, id in enumerate(self._ids.tolist())
        }
        return [
            Counted(names.get(key >> TIME_BITS, ()), key & MOMENT or None, value / MILLIONTHS)
            for key, value in np.frombuffer(state, TILE).reshape(-1, 2).tolist()
        ]

    def settled(self, states: Sequence[State]) -> list[State]:
        """The states with each key once, sorted, without what no feature counts any more.

        A tile that has left its window at the newest tile of its state goes too: ``as_of`` is never before that.
        """
        batch, column = self._known(_unpacked(states))
        order = np.lexsort((batch.value, batch.key, batch.group))
        group, key, value, column = batch.group[order], batch.key[order], batch.value[order], column[order]
        first = np.flatnonzero(_changes(group, key))
        last = np.append(first[1:], len(key)) - 1 if len(key) else first
        summed = np.add.reduceat(value, first) if len(first) else value
        group, key, column = group[first], key[first], column[first]
        value = np.where(self._fold[column] == Fold.SUM, summed, value[last])
        cell_ends = np.append(_changes(group, column)[1:], True) if len(key) else np.empty(0, bool)
        kept = (self._fold[column] != Fold.LAST) | cell_ends
        newest = np.zeros(len(states), np.int64)
        np.maximum.at(newest, group, _day(key))
        kept &= self._leaves(_day(key), column) > newest[group]
        packed = np.column_stack((key[kept], value[kept])).astype(TILE).tobytes()
        cuts = (np.searchsorted(group[kept], np.arange(len(states) + 1)) * TILE_BYTES).tolist()
        return [packed[start:end] for start, end in pairwise(cuts)]

    def evaluated(self, entities: Sequence[State], as_of: Sequence[datetime]) -> Evaluated:
        """The feature vectors of states; a state's tiles may repeat keys (its members' together)."""
        states, cells = len(entities), len(self._ids)
        today = np.array([_ordinal(moment) for moment in as_of], np.int64)
        tiles, column = self._known(_unpacked(entities))
        day = _day(tiles.key)
        leaves = self._leaves(day, column)
        inside = leaves > today[tiles.group]
        order = np.lexsort((tiles.value, tiles.key & self._clock[column]))
        order = order[inside[order]]
        place, value = (tiles.group * cells + column)[order], tiles.value[order]
        known = np.zeros(states * cells, bool)
        known[place] = True
        held = np.zeros(states * cells)
        held[place] = value  # of a repeated place, the last one stays: the newest, or the greatest
        sums = np.bincount(place, value, states * cells)  # exact: below 2**53 millionths
        since = np.zeros(states * cells, np.int64)
        if self._ageing:
            since[place] = day[order]
        table = _Table(
            np.where(self._summed, sums.reshape(states, cells), held.reshape(states, cells)) / MILLIONTHS,
            known.reshape(states, cells),
            today[:, None] - since.reshape(states, cells),
        )
        vectors = np.where(table.known[:, self._first], table.held[:, self._first], self._defaults)
        for i in self._derived:
            vectors[:, i] = _derived(self._features[i], self._columns[i], table)
        return Evaluated(vectors.astype(np.float32), self._due(tiles.group[inside], leaves[inside], today, table))

    def _known(self, batch: _Tiles) -> tuple[_Tiles, Whole]:
        """The tiles of cells that are still counted, and the column of each."""
        cell = batch.key >> TIME_BITS
        column = np.minimum(np.searchsorted(self._ids, cell), len(self._ids) - 1)
        kept = self._ids[column] == cell
        if kept.all():
            return batch, column
        return _Tiles(batch.group[kept], batch.key[kept], batch.value[kept]), column[kept]

    def _leaves(self, day: Whole, column: Whole) -> Whole:
        """The first day (since 1970) on which each tile, of such a day, is out of its window."""
        return day + self._days[column]

    def _due(self, group: Whole, leaves: Whole, today: Whole, table: "_Table") -> list[date | None]:
        due = np.full(len(today), FOREVER)
        np.minimum.at(due, group, leaves)
        for column in self._ageing:
            due = np.where(table.known[:, column], np.minimum(due, today + 1), due)
        return [None if day >= FOREVER else date.fromordinal(EPOCH + day) for day in due.tolist()]


@dataclass(frozen=True, slots=True)
class _Table:
    """Each of (states, cells): what is held, whether anything is, and how many days ago."""

    held: NDArray[np.float64]
    known: NDArray[np.bool_]
    ago: Whole


def _derived(feature: Feature, columns: Sequence[int], table: _Table) -> NDArray[np.float64]:
    """A feature of every state that is more than what one cell holds."""
    first, known = table.held[:, columns[0]], table.known[:, columns[0]]
    if feature.kind == "any":
        return known.astype(np.float64)
    if feature.kind == "days_since":
        return np.where(known, table.ago[:, columns[0]], feature.default)
    over = table.held[:, columns[1]]
    whole = known & (over != 0)
    return np.where(whole, first / np.where(whole, over, 1.0), feature.default)


def _cells(feature: Feature) -> list[Cell]:
    """What must be counted for a feature."""

    def cell(fold: Fold, fact: str | None, what: str) -> Cell:
        where = sorted((name, str(wanted)) for name, wanted in feature.where.items())
        text = repr((fold.name, what, sorted(feature.events), where, feature.days))
        id = int.from_bytes(blake2b(text.encode(), digest_size=3).digest()) >> 1
        return Cell(id, text, fold, feature.days or 0, fact)

    fact, over = feature.fact, feature.over
    match feature.kind:
        case "count" | "any":
            return [cell(Fold.SUM, None, "1")]
        case "days_since":
            return [cell(Fold.LAST, None, "1")]
        case "sum":
            return [cell(Fold.SUM, fact, f"{fact}")]
        case "max":
            return [cell(Fold.PEAK, fact, f"{fact}")]
        case "latest":
            return [cell(Fold.LAST, fact, f"{fact}")]
        case "mean":
            return [cell(Fold.SUM, fact, f"{fact}"), cell(Fold.SUM, None, f"#{fact}")]
        case "ratio":
            return [cell(Fold.SUM, fact, f"{fact}/{over}"), cell(Fold.SUM, over, f"over {fact}/{over}")]


def _unpacked(states: Sequence[State]) -> _Tiles:
    group = np.repeat(np.arange(len(states)), [len(state) // TILE_BYTES for state in states])
    table = np.frombuffer(b"".join(states), TILE).reshape(-1, 2)
    return _Tiles(group, table[:, 0], table[:, 1])


def _millionths(value: float) -> int:
    return round(max(-MOST, min(MOST, value)) * MILLIONTHS)


def _meets(where: Mapping[str, object], facts: Mapping[str, Fact]) -> bool:
    for name, wanted in where.items():
        value = facts.get(name)
        if value not in wanted if isinstance(wanted, tuple) else value != wanted:
            return False
    return True


def _ordinal(moment: datetime) -> int:
    return int(moment.timestamp() // DAY)


def _day(key: Whole) -> Whole:
    return (key & MOMENT) // DAY


def _changes(left: Whole, right: Whole) -> NDArray[np.bool_]:
    """Where a row's pair differs from the row before; the first row differs."""
    changed = np.ones(len(left), bool)
    changed[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return changed
