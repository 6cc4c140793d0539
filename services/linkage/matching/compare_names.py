"""How far two people's names agree. A name may be found in another slot; that two changed places is one event."""

from typing import Final

import numpy as np

from services.linkage.matching.columns import Codes, Vocabulary
from services.linkage.matching.pairs import NEAR, Ids, Judged, Mask, Nodes, Pairs, commoner, likeness, meet, within
from services.linkage.reading.normal import TRAITS

_NAMES: Final = slice(TRAITS.index("given"), TRAITS.index("middle_3") + 1)
"""The names of a person: given, family, the family name's parts and that at birth, further ones."""
_OF_FAMILY: Final = slice(TRAITS.index("family"), TRAITS.index("birth_family") + 1)
_PARTS: Final = slice(TRAITS.index("family_1"), None)
_FIRST_PART: Final = slice(TRAITS.index("family_1"), TRAITS.index("family_1") + 1)
MIDDLES: Final = slice(TRAITS.index("middle_1"), TRAITS.index("middle_3") + 1)
_NOT_FAMILY: Final = [TRAITS.index(trait) for trait in ("given", "middle_1", "middle_2", "middle_3")]
_SOMEWHAT: Final = np.float32(0.7)
INITIAL: Final = 5
"""The level of a given name of which an initial is all that agrees."""
_GIVEN_SPELLED: Final = np.array((0, 3, 4, 7, 8), np.uint8)
_FAMILY_SPELLED: Final = np.array((0, 2, 3, 6, 7), np.uint8)
"""Levels by how the names are spelled (`_spelled`)."""


def given(pairs: Pairs, apart: Nodes) -> Codes:
    """Levels of given names that differ (`compare.LEVELS`)."""
    names = pairs.vocabulary("name")
    left, right = pairs.some("given", apart)
    level = _GIVEN_SPELLED[pairs.once(_names_apart)["given"]]
    part = names.part
    level[(level == 8) & (part["sound"][left] == part["sound"][right])] = 7
    doubtful = level > 4
    lefts, rights = pairs.slots(_NAMES, apart)
    level[doubtful & (meet(lefts[:1], rights[_PARTS]) | meet(rights[:1], lefts[_PARTS]))] = 6
    level[doubtful & _is_initial(names, left, right)] = INITIAL
    level[(level > 4) & (part["three"][left] == part["three"][right])] = 4
    level[_one_person_may_bear(names, left, right)] = 2
    return level


def settle_initials(pairs: Pairs, given: Judged) -> None:
    """That two have the same initial says less than that they have the same name."""
    same = (given[0] == 1).nonzero()[0]
    given[0][same[pairs.vocabulary("name").part["length"][pairs.some("given", same)[0]] == 1]] = INITIAL


def family(pairs: Pairs, apart: Nodes) -> Codes:
    """Levels of family names that differ."""
    left, right = pairs.some("family", apart)
    level = _FAMILY_SPELLED[pairs.once(_names_apart)["family"]]
    sounds = pairs.vocabulary("name").part["sound"]
    level[(level > 3) & (sounds[left] == sounds[right])] = 3
    lefts, rights = pairs.slots(_NAMES, apart)
    elsewhere = meet(lefts[_FIRST_PART], rights[_NOT_FAMILY]) | meet(rights[_FIRST_PART], lefts[_NOT_FAMILY])
    level[(level > 5) & elsewhere] = 5
    level[(level > 3) & meet(lefts[_OF_FAMILY], rights[_OF_FAMILY])] = 4
    return level


def settle_middle(pairs: Pairs, middle: Judged) -> None:
    """Levels of the further names."""
    known = pairs.both("middle_1").nonzero()[0]
    lefts, rights = pairs.slots(MIDDLES, known)
    names = pairs.vocabulary("name")
    level = np.full(len(known), 3, np.uint8)
    level[meet(lefts * (names.part["length"][lefts] > 1), rights)] = 1
    rest = (level == 3).nonzero()[0]
    if rest.size:
        left, right = pairs.some("middle_1", known[rest])
        alike = (_spelled(names, left, right) < 3) | _is_initial(names, left, right)
        level[rest[alike | _one_person_may_bear(names, left, right)]] = 2
    middle[0][known] = level


def settle_lone_names(pairs: Pairs, given: Judged, family: Judged) -> None:
    """A record with one name only: nobody knows which it is, so it counts in the slot where it agrees better."""
    (lg, rg), (lf, rf) = pairs.of("given"), pairs.of("family")
    lone = (((lf == 0) ^ (rf == 0)) & (lg > 0) & (rg > 0) & (given[0] > 5)).nonzero()[0]
    if not lone.size:
        return
    names = pairs.vocabulary("name")
    left = np.where(lf[lone] > 0, lf[lone], lg[lone])
    right = np.where(rf[lone] > 0, rf[lone], rg[lone])
    level = _FAMILY_SPELLED[_spelled(names, left, right)]
    level[left == right] = 1
    better = level < 7
    chosen = lone[better]
    family[0][chosen] = level[better]
    family[1][chosen] = commoner(names, "family", left, right)[better]
    given[0][chosen] = 0


def settle_swapped_names(pairs: Pairs, given: Judged, family: Judged) -> None:
    """Given and family name changed places: one event, one weight, also where one of them is slightly misspelt or
    shortened. A single name in the wrong slot counts once too."""
    doubtful = (((given[0] == 6) & (family[0] > 4)) | ((given[0] > 5) & (family[0] == 5))).nonzero()[0]
    if not doubtful.size:
        return
    names = pairs.vocabulary("name")
    (lg, rg), (lf, rf), (lw, rw) = (pairs.some(slot, doubtful) for slot in ("given", "family", "family_1"))
    there, back = (lg == rf) | (lg == rw), (rg == lf) | (rg == lw)
    swapped = there & back
    half = (there ^ back).nonzero()[0]
    if half.size:
        to = there[half]
        swapped[half] = _is_slip(names, np.where(to, rg[half], lg[half]), np.where(to, lf[half], rf[half]))
    family[0][doubtful[(given[0][doubtful] == 6) & (family[0][doubtful] == 5)]] = 7
    rarity, at = names.rarity["given"], doubtful[swapped]
    given[0][at], family[0][at] = 9, 0
    given[1][at] = np.minimum(rarity[lg[swapped]].astype(np.int64) + rarity[rg[swapped]], 255)


def settle_called_by_middle_name(pairs: Pairs, given: Judged, middle: Codes) -> None:
    """Hugh Robert is Robert H. elsewhere: that each one's first name is among the other's names says all."""
    doubtful = np.flatnonzero((given[0] == 6) & (middle == 3))
    if not doubtful.size:
        return
    names = pairs.vocabulary("name")
    (left, right), (other_left, other_right) = (pairs.some(slot, doubtful) for slot in ("given", "middle_1"))
    crossed = (left == other_right) & _fits(names, right, other_left)
    crossed |= (right == other_left) & _fits(names, left, other_right)
    middle[doubtful[crossed]] = 0


def _is_slip(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    return np.asarray((_spelled(names, left, right) < 3) | _one_person_may_bear(names, left, right))


def _fits(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    return np.asarray((left == right) | _is_initial(names, left, right))


def _names_apart(pairs: Pairs) -> dict[str, Codes]:
    """How given and family names are spelled that differ: measured together, for a batch of one costs by the call."""
    slots = ("given", "family")
    differ = [pairs.some(slot, pairs.apart(slot)) for slot in slots]
    left, right = (np.concatenate(side) for side in zip(*differ, strict=True))
    found, first = _spelled(pairs.vocabulary("name"), left, right), len(differ[0][0])
    return dict(zip(slots, (found[:first], found[first:]), strict=True))


def _spelled(names: Vocabulary, left: Ids, right: Ids) -> Codes:
    """Names that differ: 1 one edit, 2 alike, 3 somewhat alike, 4 different."""
    like = likeness(names, left, right, _SOMEWHAT)
    level = np.full(len(left), 4, np.uint8)
    level[like >= np.float32(0.8)] = 3
    level[like >= NEAR] = 2
    length = names.part["length"]
    # Jaro and Winkler see nothing in common between such as Ned and End.
    near = ((like > 0) | ((length[left] < 5) & (length[right] < 5))).nonzero()[0]
    if near.size:
        shorter = np.minimum(length[left[near]], length[right[near]])
        edits = within(names, left[near], right[near], 2)
        level[near[(edits == 2) & (shorter >= 6)]] = 2
        level[near[(edits == 1) & (shorter >= 3)]] = 1
    return level


def _is_initial(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    length, first = names.part["length"], names.part["initial"]
    return np.asarray(((length[left] == 1) | (length[right] == 1)) & (first[left] == first[right]))


def _one_person_may_bear(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    return meet(names.groups[left].T, names.groups[right].T)
