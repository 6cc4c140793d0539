"""A region that has lived: people whose records were merged, who have scores and alerts with notes, whose case was
opened in an emergency, about whose records stewards decided; on the whole stack."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from bench.stack import Stack
from local.publisher import Publisher
from local.reconcile import reconcile
from local.stack import environment
from region import generate
from shared.contracts import SERVICES
from shared.web import Viewer, service_token
from tests.parts import connected

PEOPLE, SEED, POST, PATIENCE = 1_200, 21, 50, 240
KEEPER = Viewer("kestrel-17", "Morwenna Tregellas", "m@example.org", "youth-worker", "youth-east", "en")
OTHER = Viewer("kestrel-18", "Peredur Quillfeather", "p@example.org", "youth-worker", "youth-west", "en")
CHIEF = Viewer("kestrel-19", "Blodwen Oakapple", "b@example.org", "supervisor", "youth-east", "en")
STEWARD = Viewer("kestrel-20", "Caradog Finchley", "c@example.org", "steward", "identity", "en")
STAFF = [word for one in (KEEPER, OTHER, CHIEF, STEWARD) for word in (one.subject, *one.name.split())]
MOTHER = "Gwladys Honeysuckle"
"""Whom a note names."""


@dataclass
class Lived:
    """The stack, and how to ask it; ``dsns`` reach its databases as their owners, who see every table."""

    stack: Stack
    dsns: Mapping[str, str]

    async def rows(self, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with connected(self.dsns[service]) as connection:
            return await connection.fetch(query, *arguments)

    async def post(self, viewer: Viewer | None, service: str, path: str, body: Any) -> httpx.Response:
        """As somebody, or as nobody."""
        headers = {}
        if viewer is not None:
            token = service_token(self.stack.home.secret("session_key"), service, viewer, caller="test", purpose="")
            headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.post(f"{self.stack.up.services[service]}{path}", json=body, headers=headers)

    async def settled(self) -> None:
        """Nothing moves any more, and the log has heard all."""
        async with asyncio.timeout(PATIENCE):
            while not (await reconcile(self.dsns, self.stack.up.parts.kafka)).is_settled(0):  # noqa: ASYNC110 (others move)
                await asyncio.sleep(0.3)


async def live(stack: Stack) -> Lived:
    """Publish the region, then do what people do."""
    told = {name: environment(stack.home, stack.up.parts, name) for name in SERVICES}
    lived = Lived(stack, {name: said["JIGSAW_OWNER_DATABASE"] for name, said in told.items()})
    async with Publisher(stack.up.services["ingest"], stack.keys) as publisher:
        events = [(event.partner, event.cloudevent()) for event in generate(SEED, people=PEOPLE).events]
        await publisher.post_all(events, size=POST, progress=lambda _: None)
    await lived.settled()
    await _work_on_cases(lived)
    await _decide(lived)
    await lived.settled()
    return lived


async def _work_on_cases(lived: Lived) -> None:
    """Each open alert is taken on, every second one closed; every third is opened by the other team, and judged."""
    waiting = await lived.rows("alerts", "SELECT id, team FROM alerts WHERE state = 'open' ORDER BY id")
    for number, alert in enumerate(waiting):
        keeper, stranger = (KEEPER, OTHER) if alert["team"] == KEEPER.team else (OTHER, KEEPER)
        path = f"/alerts/api/alerts/{alert['id']}"
        note = {"note": f"{keeper.name} rang {MOTHER}, {keeper.name.split()[0]} will go there."}
        assert (await lived.post(keeper, "alerts", f"{path}/acknowledge", note)).status_code == 200
        if number % 2:
            ending = note | {"outcome": "support_agreed"}
            assert (await lived.post(keeper, "alerts", f"{path}/close", ending)).status_code == 200
        if number % 3 == 0:
            reason = {"reason": f"{stranger.name} has them in the office with {MOTHER}"}
            opened = await lived.post(stranger, "alerts", f"{path}/override", reason)
            assert opened.status_code == 200, opened.text
            verdict = {"verdict": "justified", "note": f"{stranger.name} was right"}
            assert (
                await lived.post(CHIEF, "alerts", f"/alerts/api/overrides/{opened.json()['id']}/review", verdict)
            ).is_success


async def _decide(lived: Lived) -> None:
    """A steward says of the first person with an alert that somebody's record is theirs, and that another's is not; of
    the second that a third pupil's is, and later that it is not: what was said meanwhile rests on both."""
    people = [row[0] for row in await lived.rows("alerts", "SELECT DISTINCT entity FROM alerts ORDER BY entity")]
    records = await lived.rows(
        "linkage", "SELECT DISTINCT ON (entity) id, entity FROM records WHERE kind = 'person' ORDER BY entity, id"
    )
    by_entity: dict[UUID, UUID] = {row["entity"]: row["id"] for row in records}
    strangers = [record for entity, record in by_entity.items() if entity not in people]
    pupils = await lived.rows("scoring", "SELECT members[1] FROM receipts WHERE entity <> ALL ($1) ORDER BY id", people)
    await _say(lived, by_entity[people[0]], strangers[0], "must")
    await _say(lived, by_entity[people[0]], strangers[1], "must_not")
    await _say(lived, by_entity[people[1]], pupils[0][0], "must")
    await lived.settled()
    await _say(lived, by_entity[people[1]], pupils[0][0], "must_not")


async def _say(lived: Lived, one: UUID, other: UUID, verdict: str) -> None:
    reason = f"{MOTHER} told {STEWARD.subject}"
    body = {"left": str(one), "right": str(other), "verdict": verdict, "reason": reason}
    assert (await lived.post(STEWARD, "linkage", "/linkage/api/decisions", body)).is_success
