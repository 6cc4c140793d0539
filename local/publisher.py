"""A partner's side of the wire: posts batches of CloudEvents, waits when told to, sends again what got no answer, and
keeps the receipts, so that what was accepted can be reconciled with what was done."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

MEDIA_TYPE = "application/cloudevents-batch+json"
LONGEST_PAUSE = 5.0


@dataclass
class Receipts:
    """What ingest answered, by partner and event id. ``reasons`` counts the rejected by their reason."""

    verdicts: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def keep(self, partner: str, answers: Sequence[Mapping[str, Any]]) -> None:
        for answer in answers:
            self.answers[answer["verdict"]] += 1
            if answer["verdict"] == "rejected":
                self.reasons[answer["reason"]] += 1
            self.verdicts.setdefault((partner, str(answer.get("id"))), answer.get("first", answer["verdict"]))

    @property
    def accepted(self) -> int:
        return sum(verdict == "accepted" for verdict in self.verdicts.values())


class Publisher:
    """Posts to ``url`` with each partner's key."""

    def __init__(self, url: str, keys: Mapping[str, str], *, posts_at_once: int = 4) -> None:
        self._url, self._keys = url, keys
        self._client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=posts_at_once))
        self._turns = asyncio.Semaphore(posts_at_once)
        self.receipts = Receipts()

    async def __aenter__(self) -> "Publisher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, partner: str, events: Sequence[Mapping[str, Any]]) -> None:
        """One batch, until it is answered. Raises ``httpx.HTTPStatusError`` for a refusal that waiting cannot mend."""
        async with self._turns:
            await self.send(partner, orjson.dumps(list(events)))

    async def send(self, partner: str, body: bytes) -> None:
        """As ``post``, of a batch that is JSON already."""
        headers = {"Content-Type": MEDIA_TYPE, "X-API-Key": self._keys[partner]}
        pause = 0.1
        while True:
            try:
                answer = await self._client.post(f"{self._url}/v1/events", content=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in (429, 502, 503):
                answer.raise_for_status()
                self.receipts.keep(partner, orjson.loads(answer.content)["events"])
                return
            told = float(answer.headers.get("Retry-After", 0)) if answer is not None else 0.0
            await asyncio.sleep(min(max(told, pause), LONGEST_PAUSE))
            pause *= 2

    async def post_all(
        self, events: Sequence[tuple[str, Mapping[str, Any]]], *, size: int, progress: Callable[[int], None]
    ) -> None:
        """(partner, event) pairs in their order, in batches of one partner each; ``progress`` hears how many went."""
        async with asyncio.TaskGroup() as group:
            for partner, batch in batches(events, size):
                await self._turns.acquire()
                group.create_task(self._in_turn(partner, batch, progress))

    async def _in_turn(self, partner: str, batch: list[Mapping[str, Any]], progress: Callable[[int], None]) -> None:
        try:
            await self.send(partner, orjson.dumps(batch))
            progress(len(batch))
        finally:
            self._turns.release()


def batches(events: Sequence[tuple[str, Mapping[str, Any]]], size: int) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Batches of one partner each, cut when full, in the order in which they fill."""
    open_: dict[str, list[Mapping[str, Any]]] = {}
    full: list[tuple[str, list[Mapping[str, Any]]]] = []
    for partner, event in events:
        batch = open_.setdefault(partner, [])
        batch.append(event)
        if len(batch) == size:
            full.append((partner, open_.pop(partner)))
    return full + list(open_.items())
