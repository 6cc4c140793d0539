"""Partners' keys on one machine: each partner of the agreements gets one, kept with the home's secrets."""

import getpass

from local.home import Home, StackError
from local.running import Up
from local.stack import environment
from services.ingest.keys import issue_key, office
from services.ingest.store import IngestStore
from shared.access import Agreements
from shared.settings import Settings
from shared.work import Worker


async def partner_keys(home: Home, up: Up) -> dict[str, str]:
    """A key for each partner that has an agreement; the same ones as last time."""
    told = _told(home, up)
    partners = sorted({a.partner.name for a in Agreements.load(told.agreements).by_name.values()})
    async with office(told) as worker:
        return {partner: await _key(home, worker, partner) for partner in partners}


async def key_of(home: Home, up: Up, partner: str) -> str:
    """The key of one partner. Raises ``StackError`` when no agreement names it."""
    told = _told(home, up)
    agreements = Agreements.load(told.agreements)
    if not agreements.of_partner(partner):
        known = ", ".join(sorted({a.partner.name for a in agreements.by_name.values()}))
        raise StackError(f"no agreement names the partner {partner!r}; there are: {known}")
    async with office(told) as worker:
        return await _key(home, worker, partner)


def _told(home: Home, up: Up) -> Settings:
    names = environment(home, up.parts, "ingest").items()
    return Settings.model_validate({name.removeprefix("JIGSAW_").lower(): value for name, value in names})


async def _key(home: Home, worker: Worker[IngestStore], partner: str) -> str:
    known = home.known_secret(f"partner_key_{partner}")
    if known is not None:
        return known
    key = await issue_key(worker, partner, by=f"operator:{getpass.getuser()}")
    return home.secret(f"partner_key_{partner}", lambda: key)
