"""How far two people's names agree. A name may be found in another slot; that two changed places is one event."""

from typing import Final

import numpy as np

from services.linkage.matching.columns import GROUPS, Codes, Ids, Vocabulary
from services.linkage.matching.pairs import Judged, Mask, Nodes, Pairs, among, commoner, level_of_same, likeness, within

_WORDS: Final = ("given", "family_1", "family_2", "birth_family", "middle_1", "middle_2", "middle_3")


def given(pairs: Pairs) -> Judged:
    """Levels of the given name (`compare.LEVELS`)."""
    left, right = pairs.of("given")
    level, rest = level_of_same(left, right, 8)
    names = pairs.vocabulary("name")
    level[(level == 1) & (names.part["length"][left] == 1)] = 5
    if rest.size:
        level[rest] = _given_apart(pairs, rest, left[rest], right[rest])
    return level, commoner(pairs.vocabulary("name"), "given", left, right)


def _given_apart(pairs: Pairs, rest: Nodes, left: Ids, right: Ids) -> Codes:
    names = pairs.vocabulary("name")
    level = np.array((0, 3, 4, 7, 8), np.uint8)[_spelled(names, left, right)]
    part = names.part
    level[(level == 8) & (part["sound"][left] == part["sound"][right])] = 7
    doubtful = level > 4
    lefts, rights = _words(pairs, rest)
    level[doubtful & (among(left, rights[1:]) | among(right, lefts[1:]))] = 6
    level[doubtful & _is_initial(names, left, right)] = 5
    level[(level > 4) & (part["three"][left] == part["three"][right])] = 4
    level[_one_person_may_bear(names, left, right)] = 2
    return level


def family(pairs: Pairs) -> Judged:
    """Levels of the family name."""
    left, right = pairs.of("family")
    level, rest = level_of_same(left, right, 7)
    if rest.size:
        level[rest] = _family_apart(pairs, rest, left[rest], right[rest])
    return level, commoner(pairs.vocabulary("name"), "family", left, right)


def _family_apart(pairs: Pairs, rest: Nodes, left: Ids, right: Ids) -> Codes:
    names = pairs.vocabulary("name")
    level = np.array((0, 2, 3, 6, 7), np.uint8)[_spelled(names, left, right)]
    sounds = names.part["sound"]
    level[(level > 3) & (sounds[left] == sounds[right])] = 3
    lefts, rights = _words(pairs, rest)
    elsewhere = among(lefts[1], [rights[0], *rights[4:]]) | among(rights[1], [lefts[0], *lefts[4:]])
    level[(level > 5) & elsewhere] = 5
    parts = [among(part, [*rights[1:4], right]) for part in (*lefts[1:4], left)]
    level[(level > 3) & np.logical_or.reduce(parts)] = 4
    return level


def middle(pairs: Pairs) -> Judged:
    """Levels of the further names."""
    lefts, rights = zip(*(pairs.of(f"middle_{at}") for at in (1, 2, 3)), strict=True)
    level = np.where((lefts[0] > 0) & (rights[0] > 0), np.uint8(3), np.uint8(0))
    if not level.any():
        return level, level
    names = pairs.vocabulary("name")
    whole = [part * (names.part["length"][part] > 1) for part in lefts]
    level[(level > 0) & np.logical_or.reduce([among(part, list(rights)) for part in whole])] = 1
    rest = (level == 3).nonzero()[0]
    if rest.size:
        left, right = lefts[0][rest], rights[0][rest]
        alike = (_spelled(names, left, right) < 3) | _is_initial(names, left, right)
        level[rest[alike | _one_person_may_bear(names, left, right)]] = 2
    return level, np.zeros(len(level), np.uint8)


def settle_lone_names(pairs: Pairs, given: Judged, family: Judged) -> None:
    """A record with one name only: nobody knows which it is, so it counts in the slot where it agrees better."""
    (lg, rg), (lf, rf) = pairs.of("given"), pairs.of("family")
    lone = (((lf == 0) ^ (rf == 0)) & (lg > 0) & (rg > 0) & (given[0] > 5)).nonzero()[0]
    if not lone.size:
        return
    names = pairs.vocabulary("name")
    left = np.where(lf[lone] > 0, lf[lone], lg[lone])
    right = np.where(rf[lone] > 0, rf[lone], rg[lone])
    level = np.array((0, 2, 3, 6, 7), np.uint8)[_spelled(names, left, right)]
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
    (lg, rg), (lf, rf), (lw, rw) = ([side[doubtful] for side in pairs.of(of)] for of in ("given", "family", "family_1"))
    there, back = (lg == rf) | (lg == rw), (rg == lf) | (rg == lw)
    swapped = (there & (back | _is_slip(names, rg, lf))) | (back & _is_slip(names, lg, rf))
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
    firsts, seconds = pairs.of("given"), pairs.of("middle_1")
    (left, right), (other_left, other_right) = [[side[doubtful] for side in slot] for slot in (firsts, seconds)]
    crossed = (left == other_right) & _fits(names, right, other_left)
    crossed |= (right == other_left) & _fits(names, left, other_right)
    middle[doubtful[crossed]] = 0


def _is_slip(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    return np.asarray((_spelled(names, left, right) < 3) | _one_person_may_bear(names, left, right))


def _fits(names: Vocabulary, left: Ids, right: Ids) -> Mask:
    return np.asarray((left == right) | _is_initial(names, left, right))


def _words(pairs: Pairs, rest: Nodes) -> tuple[list[Ids], list[Ids]]:
    """All words of both sides' names, slot by slot as in `_WORDS`."""
    sides = [pairs.of(word) for word in _WORDS]
    return [left[rest] for left, _ in sides], [right[rest] for _, right in sides]


def _spelled(names: Vocabulary, left: Ids, right: Ids) -> Codes:
    """Names that differ: 1 one edit, 2 alike, 3 somewhat alike, 4 different."""
    like = likeness(names, left, right)
    level = np.full(len(left), 4, np.uint8)
    level[like >= np.float32(0.8)] = 3
    level[like >= np.float32(0.9)] = 2
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
    lefts, rights = (np.array([names.part[group][side] for group in GROUPS]) for side in (left, right))
    return np.asarray(((lefts[:, None] == rights) & (rights > 0)).any(axis=(0, 1)))
