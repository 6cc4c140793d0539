"""Deterministic linking: the stated rules by which two people's records are of one, whatever scores say.

An agreement or an initiative with ``linking: deterministic`` forbids joining by probability; then these rules, and what
stewards decide, are all that joins. A rule names traits that must be known and equal; no two known dates of birth may
differ. Placeholders are not known (normal.py), so 1 January 1900 satisfies no rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.linkage.reading.normal import TRAITS, Traits, traits


@dataclass(frozen=True, slots=True)
class Rule:
    """``name`` is what *why* answers (words.RULES says it in English and Welsh); ``same`` are traits."""

    name: str
    same: tuple[str, ...]


RULES: Final = (
    Rule("same_nhs_number", ("nhs_number",)),
    Rule("same_nino_and_name", ("nino", "family")),
    Rule("same_nino_and_birth_date", ("nino", "date")),
    Rule("same_reference_and_birth_date", ("reference", "date")),
    Rule("same_name_birth_date_and_postcode", ("given", "family", "date", "postcode")),
)
"""The first that holds is the one that decided."""

NO_RULE: Final = "no_rule"
"""What *why* answers of two records that only a rule may join, and none does."""

_PLACES: Final = {rule: tuple(TRAITS.index(trait) for trait in rule.same) for rule in RULES}
_DATE: Final = TRAITS.index("date")


def strength(rule: str | None) -> int:
    """What holds records together first: a rule that decided, then scores, where no rule was needed."""
    return {None: 1, NO_RULE: 0}.get(rule, 2)


def rule_for(left: Traits, right: Traits) -> str | None:
    """The rule by which two records are of one, if there is one. Symmetric."""
    if left[_DATE] and right[_DATE] and left[_DATE] != right[_DATE]:
        return None
    return next((rule.name for rule, places in _PLACES.items() if all(_same(left, right, at) for at in places)), None)


def rule_of(left: Mapping[str, str], right: Mapping[str, str]) -> str | None:
    """The same of two people's identities."""
    return rule_for(traits(left), traits(right))


def _same(left: Traits, right: Traits, at: int) -> bool:
    whole = at != _DATE or "00" not in (left[at][4:6], left[at][6:])
    return left[at] != "" and left[at] == right[at] and whole
