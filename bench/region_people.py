"""The people, places and organisations of the synthetic region as linkage comes to hear of them, and who they truly
are; without a stack.

``python -m bench.region_people FILE`` trains the linkage model that ships on them and writes it to FILE.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from local.truth import people_behind
from region import generate
from region.vocabulary import PARTNERS
from services.ingest.domain import Rules, Sender, judge
from services.linkage.matching.model import Model, Rarities
from services.linkage.models.train import train
from services.linkage.reading.names import DIMINUTIVES
from services.linkage.reading.normal import traits
from services.linkage.records import Published, fold
from shared.access import Agreements
from shared.contracts import Kind, record_id
from shared.settings import PROJECT

SEED = 7
"""The region that the shipped model is trained on; the demo's is another."""
A_NAME, A_COMMON_NAME = 88, 72
"""Rarities, in eighths of a bit: 1 in 2,000 and 1 in 500."""


def people(
    seed: int, population: int = 20_000, kind: Kind = Kind.PERSON
) -> tuple[dict[str, Mapping[str, str]], dict[str, str]]:
    """Identity of each record as folded from the events that ingest accepts, and the person behind it, by its id; or,
    by ``kind``, the place or the organisation."""
    region = generate(seed=seed, people=population)
    rules = Rules(Agreements.load(PROJECT / "agreements"))
    published: defaultdict[UUID, list[Published]] = defaultdict(list)
    seen: set[UUID | None] = set()
    for event in region.events:
        sender = Sender(event.partner, frozenset([PARTNERS[event.partner].source]), sys.maxsize)
        judged = judge(event.cloudevent(), sender, rules, event.sent + timedelta(minutes=1))
        if judged.body is None or judged.receipt in seen:
            continue
        seen.add(judged.receipt)
        body = judged.body
        for record in body.records:
            if record.kind is kind:
                one = Published(record.id, record.kind, body.partner, body.agreement, record.identity, body.occurred)
                published[record.id].append(one)
    if kind is Kind.PERSON:
        behind = people_behind(region)
    else:
        truth = region.truth.places if kind is Kind.PLACE else region.truth.organisations
        behind = {record_id(partner, kind, local): true for (partner, local), true in truth.items()}
    records: dict[str, Mapping[str, str]] = {}
    for id, said in published.items():
        kept = fold(said, None)
        records[str(id)] = {**kept.identity, "source": kept.agreement}
    return records, {str(id): behind[id] for id in published}


def shipped_model() -> Model:
    """A model trained on the region, whose few names are told to be as rare as names are in a country."""
    records, _ = people(SEED)
    provenance = {
        "records": f"region.generate(seed={SEED}): people as ingest accepts them, each record folded",
        "trained": "EM over candidate pairs, no labels (services/linkage/models/train.py)",
        "names": "the region has few names: one it has not counts as 1 in 2,000, not as 1 in 20,000; a common given "
        "name (names.py) as 1 in 500",
    }
    model = train("person", "person", [traits(identity) for identity in records.values()], provenance)
    given, family = model.rarities["given"], model.rarities["family"]
    common = {name: given.known.get(name, A_COMMON_NAME) for name in DIMINUTIVES}
    rarities = {"given": Rarities(A_NAME, {**given.known, **common}), "family": Rarities(A_NAME, family.known)}
    return replace(model, rarities={**model.rarities, **rarities})


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(shipped_model().dump())
