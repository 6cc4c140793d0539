"""A model from records alone."""

from random import Random

import numpy as np
import pytest

from services.linkage.index.changes import Upsert
from services.linkage.index.index import Index
from services.linkage.matching.columns import Columns
from services.linkage.matching.compare_values import cohort
from services.linkage.matching.match import Matcher
from services.linkage.matching.model import Model
from services.linkage.models.sample import sample
from services.linkage.models.train import train
from services.linkage.reading.normal import traits
from tests.linkage.people import record

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def made_up(count: int = 400, seed: int = 3) -> tuple[list[dict[str, str]], list[int]]:
    """People with two or three records each, one field in six of which has a typing error; and whose they are."""
    rng = Random(seed)

    def word() -> str:
        return "".join(rng.choice("bcdfglmnprst" if at % 2 else "aeiou") for at in range(rng.randrange(5, 9)))

    given, family, towns = ([word() for _ in range(size)] for size in (60, 150, 8))
    records, truth = [], []
    for person in range(count):
        born = f"19{rng.randrange(30, 99)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        one = {"given": rng.choice(given), "family": rng.choice(family), "town": rng.choice(towns), "birth_date": born}
        for _ in range(rng.randrange(2, 4)):
            records.append({name: spoil(text, rng) if rng.random() < 1 / 6 else text for name, text in one.items()})
            truth.append(person)
    return records, truth


def spoil(text: str, rng: Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + (rng.choice("0123456789") if text[at].isdigit() else rng.choice(LETTERS)) + text[at + 1 :]


def test_training_needs_no_labels_to_tell_people_apart() -> None:
    records, truth = made_up()
    index = Index(train("made up", "person", [traits(one) for one in records], {}))
    index.apply([Upsert(record(number), one) for number, one in enumerate(records)])
    pairs = {(a, b) for a in range(len(truth)) for b in range(a) if truth[a] == truth[b]}
    found = {(a, b) for a in range(len(truth)) for b in range(a) if index.entity(record(a)) == index.entity(record(b))}
    assert 2 * len(pairs & found) / (len(pairs) + len(found)) > 0.98


def test_partners_that_share_nobody_are_learned_without_labels() -> None:
    records, truth = made_up(900)
    partners = ("school", "tax office", "hospital")
    for place, (one, person) in enumerate(zip(records, truth, strict=True)):
        one["source"] = partners[person % 2] if place % 2 else "hospital"
    bits = train("made up", "person", [traits(one) for one in records], {}).sources.bits
    assert bits["school|tax office"] < -2
    assert bits["hospital|school"] > 0


def test_whom_a_partner_without_dates_knows_is_learned_without_labels() -> None:
    records, truth = made_up(900)
    for place, (one, person) in enumerate(zip(records, truth, strict=True)):
        one["source"], one["birth_date"] = "hospital", f"{1960 + 56 * (person % 2)}-{one['birth_date'][5:]}"
        if place % 2 and not person % 2:
            one["source"], one["birth_date"] = "tax office", ""
    ages = train("made up", "person", [traits(one) for one in records], {}).sources.ages["tax office"]
    assert ages[cohort(np.array([1960]))[0]] > 0
    assert ages[cohort(np.array([2016]))[0]] < -1


def test_neighbours_are_seen_however_many_share_a_postcode() -> None:
    """Of a street of 300 none is a candidate for that; a sample must still say how many neighbours there are."""
    rows = [
        traits(
            {
                "given": f"G{n:03}",
                "family": f"F{n * 7 % 300:03}",
                "postcode": "AW1 8FZ",
                "birth_date": f"{1900 + n % 97}",
            }
        )
        for n in range(300)
    ]
    columns = Columns(Model("x", "person", {}, (), {}).frequencies())
    columns.append(rows)
    pairs = sample(columns, 60, np.random.default_rng(1))
    assert pairs.stands_for.sum() == pytest.approx(300 * 299 / 2, rel=0.02)
    assert (pairs.left < pairs.right).all()
    assert len(np.unique(pairs.left * 300 + pairs.right)) == len(pairs.left)


def test_the_same_records_in_any_order_give_the_same_model() -> None:
    rows = [traits(one) for one in made_up(80)[0]]
    assert train("a", "person", rows, {}) == train("a", "person", rows[::-1], {})


def test_a_model_is_its_file() -> None:
    model = train("a", "person", [traits(one) for one in made_up(40)[0]], {"records": "made up"})
    assert Model.load(model.dump()) == model
    assert Matcher(Model.load(model.dump())).prior == Matcher(model).prior


def test_what_is_no_model_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="no linkage model"):
        Model.load('{"name": "x"}')
    with pytest.raises(ValueError, match="records that differ"):
        train("x", "person", [traits({"given": "Siân"})] * 5, {})
