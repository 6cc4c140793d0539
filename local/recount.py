"""Counted once each? What scoring keeps of every record, against a fresh count of the events that were accepted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from region import Event
from services.scoring.features import State
from services.scoring.judging import Running, load
from shared.access import Agreements
from shared.contracts import Kind, record_id, without_id
from shared.initiatives import Initiatives
from shared.settings import PROJECT

STATES = "SELECT record, initiative, tiles FROM states"
Place = tuple[UUID, str]


async def miscounted(dsn: str, accepted: Iterable[Event]) -> int:
    """Records of which scoring counted something else than was accepted; 0 when nothing was lost or doubled."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(STATES)
    finally:
        await connection.close()
    by_name = {one.name: one for one in load(Initiatives.load(PROJECT / "initiatives"))}
    kept = {
        (row["record"], row["initiative"]): by_name[row["initiative"]].features.merge([row["tiles"]]) for row in rows
    }
    counted = _counted(by_name, accepted)
    return sum(kept.get(place, b"") != counted.get(place, b"") for place in kept.keys() | counted.keys())


def _counted(by_name: Mapping[str, Running], accepted: Iterable[Event]) -> Mapping[Place, State]:
    agreements = Agreements.load(PROJECT / "agreements")
    tiles: defaultdict[Place, list[bytes]] = defaultdict(list)
    for event in accepted:
        sent: Any = event.cloudevent()
        about, facts = sent["data"].get("person"), sent["data"].get("facts", {})
        occurred = datetime.fromisoformat(sent["time"])
        agreement = agreements.covering(event.partner, sent["type"], occurred.date())
        if agreement is None or about is None:
            continue
        record = record_id(event.partner, Kind.PERSON, about.get("id") or without_id(sent["source"], sent["id"]))
        for one in by_name.values():
            if one.initiative.purpose in agreement.purposes and one.features.reads(sent["type"]):
                tiles[record, one.name].append(one.features.tiles(sent["type"], occurred, facts))
    return {place: by_name[place[1]].features.merge(some) for place, some in tiles.items()}
