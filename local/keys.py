"""Partners' keys on one machine: each partner of the agreements gets one, kept with the home's secrets."""

from local.home import Home
from local.running import Up
from local.stack import environment
from services.ingest.keys import issue_key
from services.ingest.store import IngestStore
from shared.access import Agreements
from shared.db import Database
from shared.outbox import Outbox
from shared.settings import PROJECT
from shared.work import Worker


async def partner_keys(home: Home, up: Up) -> dict[str, str]:
    """A key for each partner that has an agreement; the same ones as last time."""
    told = environment(home, up.parts, "ingest")
    database = Database(told["JIGSAW_DATABASE"], size=2)
    await database.open()
    try:
        outbox = Outbox(database, up.parts.kafka, "ingest")
        worker = Worker("ingest", database, outbox, IngestStore, bytes.fromhex(told["JIGSAW_SEALING_KEY"]))
        agreements = Agreements.load(PROJECT / "agreements")
        partners = sorted({agreement.partner.name for agreement in agreements.by_name.values()})
        return {
            partner: home.known_secret(name(partner)) or await _issued(home, worker, partner) for partner in partners
        }
    finally:
        await database.close()


def name(partner: str) -> str:
    """What the key is called among the home's secrets."""
    return f"partner_key_{partner}"


async def _issued(home: Home, worker: Worker[IngestStore], partner: str) -> str:
    key = await issue_key(worker, partner, by="jigsaw up")
    return home.secret(name(partner), lambda: key)
