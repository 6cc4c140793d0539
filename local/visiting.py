"""``python -m local.visiting``: the synthetic region's partners publish to services that run elsewhere, as in compose.

Told what ingest is told, because it gives each partner a key: for trying Jigsaw out, never where real people are.
Ninety days go in at full speed, then events follow at a natural pace until SIGTERM.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from pydantic import Field

from local.publisher import Publisher
from region import Region, generate
from services.ingest.keys import issue_key, office
from services.ingest.settings import IngestSettings
from shared.access import Agreements

DAYS = 90
PEOPLE = 20_000
POST = 250
NATURAL_RATE = 2.0
"""Events a second: a region of 20,000 people on a busy morning."""


class Told(IngestSettings):
    """What ingest is told, and where it answers."""

    ingest_url: str = Field("http://127.0.0.1:8001", description="Where ingest answers, inside.")


async def visit(told: Told, region: Region) -> None:
    """Publish the region to ``told.ingest_url``; never ends by itself."""
    async with Publisher(told.ingest_url, await keys(told)) as publisher:
        events = [(event.partner, event.cloudevent()) for event in region.events]
        await publisher.post_all(events, size=POST, progress=lambda _: None)
        print(f"Published {DAYS} days: {dict(publisher.receipts.answers)}. The region goes on.")
        for event, _ in region.stream(NATURAL_RATE, datetime.now(UTC)):
            await asyncio.sleep(max(0.0, (event.sent - datetime.now(UTC)).total_seconds()))
            await publisher.post(event.partner, [event.cloudevent()])


async def keys(told: IngestSettings) -> dict[str, str]:
    """A new key for each partner that has an agreement."""
    partners = sorted({a.partner.name for a in Agreements.load(told.agreements).by_name.values()})
    async with office(told) as worker:
        return {partner: await issue_key(worker, partner, by="service:region") for partner in partners}


if __name__ == "__main__":
    start = datetime.now(UTC).date() - timedelta(days=DAYS)
    asyncio.run(visit(Told(), generate(seed=1, people=PEOPLE, start=start)))
