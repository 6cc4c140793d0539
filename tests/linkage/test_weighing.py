"""What *why* and search weigh: the strongest evidence first, whatever the number of records, and beside the stream."""

import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from local.stack import Parts
from services.linkage.desk import desk as desk_module
from services.linkage.desk import weighing as weighing_module
from services.linkage.desk.reasoning import MOST_ACROSS, MOST_JOINED, between, within
from services.linkage.desk.showing import Shown
from services.linkage.desk.weighing import Weighing
from services.linkage.matching.match import Matcher
from services.linkage.records import Kept, fold
from services.linkage.stream import by_record
from shared.contracts import Kind
from tests.linkage.answering import Office, opened, record, viewer
from tests.linkage.linking import region_events
from tests.linkage.people import model
from tests.parts import fresh_database

MATCHER = Matcher(model())
WEIGHING = Weighing(lambda kind: MATCHER if kind is Kind.PERSON else None)


def people(count: int) -> Sequence[Kept]:
    folded = [fold(said, None) for said in by_record(list(region_events())).values()]
    return [one for one in folded if one.kind is Kind.PERSON and len(one.identity) > 2][:count]


def entity(records: Sequence[Kept], kind: Kind = Kind.PERSON) -> Shown:
    return Shown(uuid4(), uuid4(), kind, records, {}, False, "identity")


def heaviest(records: Sequence[Kept]) -> dict[frozenset[UUID], float]:
    """The pairs of a maximum spanning tree, by the definition (Kruskal 1956), and what they weigh."""
    line = WEIGHING._of(Kind.PERSON, "identity", records)
    assert line is not None
    left, right = np.triu_indices(len(records), 1)
    weights, root = line.weigh(left.astype(np.int64), right.astype(np.int64)), list(range(len(records)))
    tree = {}
    for at in np.argsort(-weights, kind="stable").tolist():
        one, other = root[left[at]], root[right[at]]
        if one != other:
            root = [one if it == other else it for it in root]
            tree[frozenset((records[left[at]].id, records[right[at]].id))] = float(weights[at])
    return tree


def test_the_strongest_pairs_hold_an_entity_together() -> None:
    records = people(30)
    found = within(entity(records), WEIGHING, {})
    assert found.whole
    bits = [pair.evidence.bits for pair in found.pairs]
    assert bits == sorted(bits, reverse=True)
    assert bits == pytest.approx(sorted(heaviest(records).values(), reverse=True), abs=0.01)


def test_a_part_of_the_answer_is_right_as_far_as_it_goes() -> None:
    records = people(150)
    found = within(entity(records), WEIGHING, {})
    assert not found.whole
    assert len(found.pairs) == MOST_JOINED - 1
    whole = sorted(round(weight, 2) for weight in heaviest(records).values())
    for pair in found.pairs:
        assert min(abs(pair.evidence.bits - weight) for weight in whole) <= 0.01, "a pair of the whole's tree"


def test_what_is_weighed_grows_with_the_records_and_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    weighed, compare = 0, weighing_module.compare

    def counted(columns: Any, left: Any, right: Any) -> Any:
        nonlocal weighed
        weighed += len(left)
        return compare(columns, left, right)

    monkeypatch.setattr(weighing_module, "compare", counted)
    some = people(400)
    many = [record("schools", **one.identity) for one in (some * 5)[:2000]]
    within(entity(many), WEIGHING, {})
    assert weighed <= MOST_JOINED * (len(many) + 1)
    weighed = 0
    between(entity(many), entity(many), WEIGHING, {})
    assert weighed <= MOST_ACROSS**2 + 1


def test_of_two_entities_the_strongest_pair_across_them() -> None:
    ones, others = people(60)[:30], people(60)[30:]
    found = between(entity(ones), entity(others), WEIGHING, {})
    single = [between(entity([a]), entity([b]), WEIGHING, {}).pairs[0].evidence.bits for a in ones for b in others]
    assert found.whole
    assert found.pairs[0].evidence.bits == max(single)
    assert between(entity(ones), entity(others, Kind.PLACE), WEIGHING, {}).pairs == []


@pytest.fixture(scope="module")
async def office(parts: Parts, topics: None) -> AsyncIterator[Office]:
    async with opened(parts, await fresh_database(parts, "linkage")) as office:
        yield office


async def test_the_answer_says_that_it_is_a_part_and_is_made_beside_the_stream(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()

    def noted(*arguments: Any) -> Any:
        threads.add(threading.current_thread())
        return within(*arguments)

    monkeypatch.setattr(desk_module, "within", noted)
    many = [record("schools", given="Rhys", family="Morgan", postcode=f"AW{n % 9 + 1} 1AA") for n in range(60)]
    few, lots = await office.keep(many[:2], many[2:])
    async with office.client(viewer("steward")) as client:
        assert (await client.get(f"/linkage/api/entities/{few}/why")).json()["whole"]
        found = (await client.get(f"/linkage/api/entities/{lots}/why")).json()
        page = (await client.get(f"/linkage/entities/{lots}", headers={"Accept": "text/html"})).text
    assert not found["whole"]
    assert len(found["pairs"]) == MOST_JOINED - 1
    assert "a part: the strongest 39 links" in page
    assert threading.main_thread() not in threads
