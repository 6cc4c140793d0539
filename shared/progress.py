"""How far each partition is finished, and what of it nobody has heard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from aiokafka import TopicPartition

from shared.telemetry import MISSED, log
from shared.work import Raw


class Gap(NamedTuple):
    """Messages of a partition from ``begins`` up to but without ``ends``, which the broker no longer has."""

    partition: TopicPartition
    begins: int
    ends: int


@dataclass
class Progress:
    """The finished prefix of each partition, committed by time."""

    finished: dict[TopicPartition, int] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)

    def resume(self, partition: TopicPartition, committed: int) -> None:
        """The prefix that whoever had the partition before us has finished."""
        if committed >= self.finished.get(partition, 0):
            self.finished[partition] = self.committed[partition] = committed

    def reach(self, partition: TopicPartition, offset: int) -> Gap | None:
        """The next there is to hear is at ``offset``; what is missing before it, if that is known to be something."""
        before = self.finished.get(partition, offset)
        if offset > before:
            self.finished[partition] = offset
            return Gap(partition, before, offset)
        return None

    def finish(self, batch: Sequence[Raw]) -> list[Gap]:
        """Returns what was missing between the messages, or before them."""
        gaps = []
        for place, messages in groupby(batch, attrgetter("topic", "partition")):
            partition = TopicPartition(*place)
            for raw in messages:
                if raw.offset != self.finished.get(partition):
                    gaps.append(self.reach(partition, raw.offset))
                self.finished[partition] = max(self.finished.get(partition, 0), raw.offset + 1)
        return [gap for gap in gaps if gap is not None]

    def owed(self) -> dict[TopicPartition, int]:
        return {p: offset for p, offset in self.finished.items() if self.committed.get(p) != offset}

    def drop(self, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            self.finished.pop(partition, None)
            self.committed.pop(partition, None)


def report(gaps: Sequence[Gap]) -> None:
    """Tell operations what is lost: it cannot be done any more, but it does not go unnoticed."""
    for (topic, partition), begins, ends in gaps:
        MISSED.labels(topic).inc(ends - begins)
        log().critical("bus.gap", topic=topic, partition=partition, begins=begins, ends=ends)
