"""How far two people's names agree (`compare.LEVELS`). A name may be found in another slot; that two changed places is
one event.

Where the rules say `one` and `other`, those are rows of value ids, a trait each; `a` and `b` are two names.
"""

from typing import Final

import numpy as np

from services.linkage.compiled import inner
from services.linkage.matching.columns import GROUPS, Codes, parts
from services.linkage.matching.pairs import (
    LENGTH,
    MUCH,
    NEAR,
    NEVER,
    Parts,
    Row,
    Sheet,
    Similarities,
    constants,
    differ,
    jaro_for,
    may_be_like,
    may_be_near,
    part,
    write,
)
from services.linkage.reading.normal import TRAITS

GIVEN, FAMILY, FAMILY_1, BIRTH_FAMILY, MIDDLE_1, MIDDLE_3 = constants(
    map(TRAITS.index, ("given", "family", "family_1", "birth_family", "middle_1", "middle_3"))
)
"""Names stand together: given, family, the family name's parts and that at birth, further ones."""
_CROSSED: Final = BIRTH_FAMILY
"""The place of what is measured of two names that may have changed places: those at birth are not measured."""
_PART: Final = parts("name")
_GROUP, _SOUND, _THREE, _FOUR, _INITIAL = (_PART[name] for name in (GROUPS[0], "sound", "three", "four", "initial"))
_GROUPS: Final = len(GROUPS)
_SHORT: Final = 5
"""Letters below which Jaro and Winkler may see nothing in common where there is one edit: Ned and End."""

ONE_EDIT, ALIKE, SOMEWHAT_ALIKE, UNLIKE = 1, 2, 3, 4
"""How two names that differ are spelled (`spelled`)."""
INITIAL: Final = 5
"""The level of a given name of which an initial is all that agrees."""
ELSEWHERE, SWAPPED, REORDERED = 6, 9, 10
"""Levels of a given name that is found in another, that changed places with the family name, and with a further one."""
_OF_AN_INITIAL: Final = 28
"""The rarity of an initial, as `columns.RARITY_STEPS` count: one name in eleven begins with it."""
_FAMILY_ELSEWHERE, _FAMILY_DIFFERS, _MIDDLE_DIFFERS = 5, 7, 3
_FAMILY_SPELLED: Final = (0, 2, 3, 6, 7)
"""Levels of family names by how they are spelled."""


@inner
def spelled(names: Parts, a: int, b: int, similarity: np.float32, edits: int) -> int:
    """How two names that differ are spelled, by what was measured of them."""
    x, y = part(names, a, LENGTH), part(names, b, LENGTH)
    if similarity > 0 or max(x, y) < _SHORT:
        if edits == 1 and min(x, y) >= 3:
            return ONE_EDIT
        if edits == 2 and min(x, y) >= 6:
            return ALIKE
    if similarity >= NEAR:
        return ALIKE
    return SOMEWHAT_ALIKE if similarity >= MUCH else UNLIKE


@inner
def _may_be_as_like(names: Parts, a: int, b: int, similarity: np.float32) -> bool:
    prefix = 4
    if names[a, _INITIAL] != names[b, _INITIAL]:
        prefix = 0
    elif names[a, _THREE] != names[b, _THREE]:
        prefix = 2
    elif names[a, _FOUR] != names[b, _FOUR]:
        prefix = 3
    return may_be_like(names, a, b, jaro_for(similarity, prefix))


@inner
def _ask(likes: Sheet, edits: Sheet, pair: int, trait: int, names: Parts, a: int, b: int, least: np.float32) -> None:
    """What `spelled` has to know, where a similarity below `least` makes no difference."""
    x, y = part(names, a, LENGTH), part(names, b, LENGTH)
    most = 2 if min(x, y) >= 6 else 1
    short = max(x, y) < _SHORT
    counted = min(x, y) >= 3 and may_be_near(names, a, b, most)
    if counted:
        write(edits, pair, trait, names, a, b)
    if (counted and not short) or (least <= 1 and _may_be_as_like(names, a, b, least)):
        write(likes, pair, trait, names, a, b)


@inner
def ask_names(likes: Sheet, edits: Sheet, pair: int, names: Parts, one: Row, other: Row) -> None:
    """Write down what has to be measured of a pair's names, for `judge_names`."""
    a, b = one[GIVEN], other[GIVEN]
    unlike = differ(a, b) and not (_one_person_may_bear(names, a, b) or _is_initial(names, a, b))
    if unlike:
        _ask(likes, edits, pair, GIVEN, names, a, b, _least_of_given(names, one, other))
        unlike = names[a, _THREE] != names[b, _THREE]
    if unlike and _is_lone(one, other):
        _ask(likes, edits, pair, _CROSSED, names, _last_name(one), _last_name(other), MUCH)
    a, b = one[FAMILY], other[FAMILY]
    if differ(a, b):
        _ask(likes, edits, pair, FAMILY, names, a, b, _least_of_family(names, one, other))
        there, back = _crossed(one, other)
        if unlike and there != back:
            a, b = _left_over(one, other, there)
            _ask(likes, edits, pair, _CROSSED, names, a, b, NEAR)
    a, b = one[MIDDLE_1], other[MIDDLE_1]
    if a > 0 and b > 0 and not (_share_a_middle(names, one, other) or _may_stand_for(names, a, b)):
        _ask(likes, edits, pair, MIDDLE_1, names, a, b, NEAR)


@inner
def judge_names(
    names: Parts, rare: Codes, one: Row, other: Row, likes: Similarities, edits: Codes
) -> tuple[int, int, int, int, int]:
    """Levels of a pair's given, family and further names by what was measured of them, and the rarity of its given and
    its family name, which may be another than that of the names there: −1 where it is not."""
    given = _given(names, one, other, likes, edits)
    family = _family(names, one, other, likes, edits)
    middle = _middle(names, one, other, likes, edits)
    rare_given = rare_family = -1
    if given > INITIAL and _is_lone(one, other):
        # A record with one name only: nobody knows which it is, so it counts in the slot where it agrees better.
        a, b = _last_name(one), _last_name(other)
        level = 1 if a == b else _FAMILY_SPELLED[_how(_CROSSED, names, a, b, likes, edits)]
        if level < _FAMILY_DIFFERS:
            given, family, rare_family = 0, level, min(int(rare[a, 1]), int(rare[b, 1]))
    if (given == ELSEWHERE and family > 4) or (given > INITIAL and family == _FAMILY_ELSEWHERE):
        # Given and family name changed places: one event, one weight, also where one of them is slightly misspelt or
        # shortened. A single name in the wrong slot counts once too.
        if _changed_places(names, one, other, likes, edits):
            given, family = SWAPPED, 0
            rare_given = min(int(rare[one[GIVEN], 0]) + int(rare[other[GIVEN], 0]), 255)
        elif given == ELSEWHERE and family == _FAMILY_ELSEWHERE:
            family = _FAMILY_DIFFERS
    if given == ELSEWHERE and _are_reordered(names, one, other):
        given, middle = REORDERED, 0
        rare_given = _rarity_of_both(names, rare, one, other)
    return given, family, middle, rare_given, rare_family


@inner
def _given(names: Parts, one: Row, other: Row, likes: Similarities, edits: Codes) -> int:
    a, b = one[GIVEN], other[GIVEN]
    if a == 0 or b == 0:
        return 0
    if a == b:
        # That two have the same initial says less than that they have the same name.
        return INITIAL if names[a, LENGTH] == 1 else 1
    if _one_person_may_bear(names, a, b):
        return 2
    how = _how(GIVEN, names, a, b, likes, edits)
    if how == ONE_EDIT:
        return 3
    if how == ALIKE or names[a, _THREE] == names[b, _THREE]:
        return 4
    if _is_initial(names, a, b):
        return INITIAL
    if _given_elsewhere(one, other):
        return ELSEWHERE
    return 7 if how == SOMEWHAT_ALIKE or names[a, _SOUND] == names[b, _SOUND] else 8


@inner
def _least_of_given(names: Parts, one: Row, other: Row) -> np.float32:
    """The similarity from which given names' levels depend on it."""
    a, b = one[GIVEN], other[GIVEN]
    if names[a, _THREE] == names[b, _THREE]:
        return NEVER
    return NEAR if names[a, _SOUND] == names[b, _SOUND] or _given_elsewhere(one, other) else MUCH


@inner
def _family(names: Parts, one: Row, other: Row, likes: Similarities, edits: Codes) -> int:
    a, b = one[FAMILY], other[FAMILY]
    if a == 0 or b == 0:
        return 0
    if a == b:
        return 1
    how = _how(FAMILY, names, a, b, likes, edits)
    if how == ONE_EDIT:
        return 2
    if how == ALIKE or names[a, _SOUND] == names[b, _SOUND]:
        return 3
    if _share_a_part(one, other):
        return 4
    if _family_elsewhere(one, other):
        return _FAMILY_ELSEWHERE
    return 6 if how == SOMEWHAT_ALIKE else _FAMILY_DIFFERS


@inner
def _least_of_family(names: Parts, one: Row, other: Row) -> np.float32:
    """The similarity from which family names' levels depend on it."""
    if names[one[FAMILY], _SOUND] == names[other[FAMILY], _SOUND]:
        return NEVER
    return NEAR if _share_a_part(one, other) or _family_elsewhere(one, other) else MUCH


@inner
def _middle(names: Parts, one: Row, other: Row, likes: Similarities, edits: Codes) -> int:
    a, b = one[MIDDLE_1], other[MIDDLE_1]
    if a == 0 or b == 0:
        return 0
    if _share_a_middle(names, one, other):
        return 1
    if _may_stand_for(names, a, b) or _how(MIDDLE_1, names, a, b, likes, edits) <= ALIKE:
        return 2
    return _MIDDLE_DIFFERS


@inner
def _how(trait: int, names: Parts, a: int, b: int, likes: Similarities, edits: Codes) -> int:
    return spelled(names, a, b, likes[trait], edits[trait])


@inner
def _among(value: int, row: Row, first: int, last: int) -> bool:
    """Whether a value, if there is one, is in some of the row's neighbouring slots."""
    found = False
    for at in range(first, last + 1):
        found |= row[at] == value
    return found and value > 0


@inner
def _given_elsewhere(one: Row, other: Row) -> bool:
    a, b = one[GIVEN], other[GIVEN]
    return _among(a, other, FAMILY_1, MIDDLE_3) or _among(b, one, FAMILY_1, MIDDLE_3)


@inner
def _family_elsewhere(one: Row, other: Row) -> bool:
    a, b = one[FAMILY_1], other[FAMILY_1]
    return (
        (a > 0 and a == other[GIVEN])
        or (b > 0 and b == one[GIVEN])
        or _among(a, other, MIDDLE_1, MIDDLE_3)
        or _among(b, one, MIDDLE_1, MIDDLE_3)
    )


@inner
def _share_a_part(one: Row, other: Row) -> bool:
    """Whether a family name, a part of it or one at birth is among the other's."""
    found = False
    for at in range(FAMILY, BIRTH_FAMILY + 1):
        found |= _among(one[at], other, FAMILY, BIRTH_FAMILY)
    return found


@inner
def _share_a_middle(names: Parts, one: Row, other: Row) -> bool:
    """Whether a further name, not an initial, is among the other's."""
    for at in range(MIDDLE_1, MIDDLE_3 + 1):
        if names[one[at], LENGTH] > 1 and _among(one[at], other, MIDDLE_1, MIDDLE_3):
            return True
    return False


@inner
def _is_lone(one: Row, other: Row) -> bool:
    """Whether one of two has a given name only."""
    return bool((one[FAMILY] == 0) != (other[FAMILY] == 0))


@inner
def _last_name(row: Row) -> int:
    return int(row[FAMILY] if row[FAMILY] > 0 else row[GIVEN])


@inner
def _crossed(one: Row, other: Row) -> tuple[bool, bool]:
    """Whether the one's given name is the other's family name, and the other way round."""
    a, b = one[GIVEN], other[GIVEN]
    return a == other[FAMILY] or a == other[FAMILY_1], b == one[FAMILY] or b == one[FAMILY_1]


@inner
def _left_over(one: Row, other: Row, there: bool) -> tuple[int, int]:
    """The other two names of a pair of which a given and a family name are the same."""
    if there:
        return other[GIVEN], one[FAMILY]
    return one[GIVEN], other[FAMILY]


@inner
def _changed_places(names: Parts, one: Row, other: Row, likes: Similarities, edits: Codes) -> bool:
    there, back = _crossed(one, other)
    if there == back:
        return there
    a, b = _left_over(one, other, there)
    return _one_person_may_bear(names, a, b) or _how(_CROSSED, names, a, b, likes, edits) <= ALIKE


@inner
def _are_reordered(names: Parts, one: Row, other: Row) -> bool:
    """Hugh Robert is Robert H. elsewhere: that each one's first name is among the other's names says all."""
    a, b, m, n = one[GIVEN], other[GIVEN], one[MIDDLE_1], other[MIDDLE_1]
    if m == 0 or n == 0:
        return False
    return (a == n and (b == m or _may_stand_for(names, b, m))) or (b == m and _may_stand_for(names, a, n))


@inner
def _rarity_of_both(names: Parts, rare: Codes, one: Row, other: Row) -> int:
    """The rarity of two given names that changed places; of an initial that stands for one, an initial's."""
    a, b = int(rare[one[GIVEN], 0]), int(rare[other[GIVEN], 0])
    if one[GIVEN] != other[MIDDLE_1] and names[other[MIDDLE_1], LENGTH] == 1:
        a = min(a, _OF_AN_INITIAL)
    if other[GIVEN] != one[MIDDLE_1] and names[one[MIDDLE_1], LENGTH] == 1:
        b = min(b, _OF_AN_INITIAL)
    return min(a + b, 255)


@inner
def _is_initial(names: Parts, a: int, b: int) -> bool:
    shorter = min(part(names, a, LENGTH), part(names, b, LENGTH))
    return bool(shorter == 1 and names[a, _INITIAL] == names[b, _INITIAL])


@inner
def _may_stand_for(names: Parts, a: int, b: int) -> bool:
    return _is_initial(names, a, b) or _one_person_may_bear(names, a, b)


@inner
def _one_person_may_bear(names: Parts, a: int, b: int) -> bool:
    """Whether two names are of one group of diminutives."""
    for at in range(_GROUP, _GROUP + _GROUPS):
        for to in range(_GROUP, _GROUP + _GROUPS):
            if names[a, at] > 0 and names[a, at] == names[b, to]:
                return True
    return False
