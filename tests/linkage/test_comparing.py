"""What is taken for granted, so that it need not be compared, is what a comparison says."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from rapidfuzz.distance import JaroWinkler

from services.linkage.matching.columns import SORTS, Columns, Vocabulary
from services.linkage.matching.compare import FIELDS, KEPT, compare, itself
from services.linkage.matching.pairs import FEW, NEAR, likeness
from services.linkage.reading.normal import TRAITS, Traits, traits
from tests.linkage.people import model

SAID = {
    "given": ("J", "Siân", "John Paul", "Mary Ann Lou"), "middle": ("R", "R Hugh", "Hugh"),
    "family": ("Jones", "ap Rhys", "Smith-Jones", "O"), "birth_family": ("Evans",), "sex": ("F", "M"),
    "birth_date": ("1987", "1987-03", "1987-03-12", "1900-01-01"), "postcode": ("CF10 1AA", "CF10", "D02"),
    "address": ("1 High Street", "Flat 2, 1 High Street", "The Hall, Church Lane"), "town": ("Barry", "Y Barri"),
    "uprn": ("100012345678",), "phone": ("029 2018 0000", "07700 900123"), "mobile": ("07700 900123",),
    "email": ("j@x.org", "mary.ann8@x.org"), "nhs_number": ("9434765919",), "nino": ("QQ123456C",),
    "reference": ("A1234",), "vehicle": ("CE51 ABC",), "birth_place": ("Barry",), "occupation": ("bus driver",),
    "source": ("a school", "a council"),
}  # fmt: skip
identities = st.fixed_dictionaries({}, optional={field: st.sampled_from(values) for field, values in SAID.items()})
people = st.lists(identities.map(traits), min_size=1, max_size=8)


@given(people)
def test_what_a_node_says_agrees_with_itself_as_a_comparison_says(said: list[Traits]) -> None:
    columns = Columns(model().frequencies())
    nodes = columns.append(said)
    levels, rarities = compare(columns, nodes, nodes)
    levels[[FIELDS.index(field) for field in KEPT]] = 0
    found, rare = itself(columns, nodes)
    assert found.tolist() == levels.tolist()
    assert np.where(found, rare, 0).tolist() == np.where(levels, rarities, 0).tolist()


@given(people)
def test_what_is_compared_together_is_compared_as_alone(said: list[Traits]) -> None:
    columns = Columns(model().frequencies())
    nodes = columns.append([*said, ("",) * len(TRAITS)])
    left, right = (side.ravel() for side in np.meshgrid(nodes, nodes))
    levels, rarities = compare(columns, left, right)
    for at in range(len(left)):
        alone, rare = compare(columns, left[at : at + 1], right[at : at + 1])
        assert alone[:, 0].tolist() == levels[:, at].tolist()
        assert np.where(alone, rare, 0)[:, 0].tolist() == np.where(levels[:, at], rarities[:, at], 0).tolist()


words = st.text("abcdeéŵ1", min_size=1, max_size=6)
texts = st.lists(st.lists(words, min_size=1, max_size=2).map(" ".join), min_size=17, max_size=20, unique=True)


@given(texts, st.sampled_from([np.float32(0.7), NEAR]))
def test_texts_that_their_letters_keep_from_being_alike_are_not(said: list[str], least: np.float32) -> None:
    vocabulary = Vocabulary(SORTS["town"], model().frequencies())
    ids = np.array(vocabulary.number(said))
    left, right = (side.ravel() for side in np.meshgrid(ids, ids))
    assert len(left) > FEW
    found = likeness(vocabulary, left, right, least)
    alike = np.array([JaroWinkler.similarity(one, other) for other in said for one in said], np.float32)
    assert (found >= least).tolist() == (alike >= least).tolist()
    assert found[found >= least].tolist() == alike[alike >= least].tolist()
