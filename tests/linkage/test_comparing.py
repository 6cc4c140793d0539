"""What is taken for granted, so that it need not be compared, is what a comparison says."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from rapidfuzz.distance import OSA, JaroWinkler

from services.linkage.matching.columns import GROUPS, Columns
from services.linkage.matching.compare import FIELDS, KEPT, compare, itself
from services.linkage.matching.pairs import MUCH, NEAR, SOMEWHAT
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
compiling = settings(deadline=None)
"""The first time is long on a machine that has never run it."""
people = st.lists(identities.map(traits), min_size=1, max_size=8)


@compiling
@given(people)
def test_what_a_node_says_agrees_with_itself_as_a_comparison_says(said: list[Traits]) -> None:
    columns = Columns(model().frequencies())
    nodes = columns.append(said)
    levels, rarities = compare(columns, nodes, nodes)
    levels[[FIELDS.index(field) for field in KEPT]] = 0
    found, rare = itself(columns, nodes)
    assert found.tolist() == levels.tolist()
    assert np.where(found, rare, 0).tolist() == np.where(levels, rarities, 0).tolist()


@compiling
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


letters = st.text("abcdeéŵ1", min_size=1, max_size=9)
slips = st.builds(lambda text, at, letter: text[:at] + letter + text[at + 1 :], letters, st.integers(0, 9), letters)
begun = st.builds(str.__add__, st.sampled_from(["abc", "abcd", "ab"]), letters)
words = st.lists(letters | slips | begun, min_size=2, max_size=12, unique=True)
texts = st.lists(st.lists(letters, min_size=1, max_size=2).map(" ".join) | slips, min_size=2, max_size=12, unique=True)


def levels_of(trait: str, field: str, said: list[str]) -> tuple[Columns, dict[tuple[str, str], int]]:
    """Levels of one field of any two records that say nothing but this."""
    columns = Columns(model().frequencies())
    nodes = columns.append([tuple(one if trait == at else "" for at in TRAITS) for one in said])
    left, right = (side.ravel() for side in np.meshgrid(nodes, nodes))
    levels, _ = compare(columns, left, right)
    pairs = [(said[one], said[other]) for one, other in zip(left.tolist(), right.tolist(), strict=True)]
    return columns, dict(zip(pairs, levels[FIELDS.index(field)].tolist(), strict=True))


def like(one: str, other: str) -> np.float32:
    return np.float32(JaroWinkler.similarity(one, other))


def spelled(one: str, other: str) -> int:
    """1 one edit, 2 alike, 3 somewhat alike, 4 different."""
    edits, shorter, longer = OSA.distance(one, other), *sorted((len(one), len(other)))
    if (like(one, other) >= SOMEWHAT or longer < 5) and (
        (edits == 1 and shorter >= 3) or (edits == 2 and shorter >= 6)
    ):
        return edits
    return 2 if like(one, other) >= NEAR else 3 if like(one, other) >= MUCH else 4


@compiling
@given(words)
def test_names_are_as_like_as_if_each_two_were_measured(said: list[str]) -> None:
    columns, levels = levels_of("family", "family", said)
    names = columns.vocabularies["name"]
    sound = {one: names.part["sound"][names.ids[one]] for one in said}
    for (one, other), level in levels.items():
        how = spelled(one, other)
        assert level == (1 if one == other else 3 if how > 1 and sound[one] == sound[other] else (0, 2, 3, 6, 7)[how])


@compiling
@given(words)
def test_given_names_too(said: list[str]) -> None:
    columns, levels = levels_of("given", "given", said)
    names = columns.vocabularies["name"]
    part = {one: {name: int(held[names.ids[one]]) for name, held in names.part.items()} for one in said}
    groups = {one: {part[one][group] for group in GROUPS} - {0} for one in said}
    for (one, other), level in levels.items():
        same = {name for name in ("sound", "three", "initial") if part[one][name] == part[other][name]}
        if one == other:
            assert level == (5 if len(one) == 1 else 1)
        elif groups[one] & groups[other]:
            assert level == 2
        elif (how := spelled(one, other)) < 3 or "three" in same:
            assert level == (3 if how == 1 else 4)
        else:
            initial = "initial" in same and min(len(one), len(other)) == 1
            assert level == (5 if initial else 7 if how == 3 or "sound" in same else 8)


@compiling
@given(texts)
def test_texts_are_as_like_as_if_each_two_were_measured(said: list[str]) -> None:
    _, levels = levels_of("town", "town", said)
    for (one, other), level in levels.items():
        ends = [{text.split()[0], text.split()[-1]} for text in (one, other)]
        shared = 3 if ends[0] & ends[1] else 4
        assert level == (1 if one == other else 2 if like(one, other) >= NEAR else shared)


@compiling
@given(words)
def test_numbers_are_as_near_as_if_each_two_were_measured(said: list[str]) -> None:
    for trait, levels in (("nino", (1, 2, 3, 4)), ("phone_1", (1, 2, 3, 3))):
        _, found = levels_of(trait, trait.partition("_")[0], said)
        for (one, other), level in found.items():
            assert level == levels[min(OSA.distance(one, other), 3)]
