"""What pages call things: fields, kinds, how far two records agree, why a value won; said in either language."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from shared.contracts import Kind
from shared.web import N_, Language

FIELDS: Final[Mapping[str, str]] = {
    "name": N_("Full name"),
    "given": N_("First name"),
    "middle": N_("Middle names"),
    "family": N_("Last name"),
    "birth_family": N_("Name at birth"),
    "sex": N_("Sex"),
    "birth_date": N_("Date of birth"),
    "birth_place": N_("Place of birth"),
    "address": N_("Address"),
    "town": N_("Town"),
    "postcode": N_("Postcode"),
    "uprn": N_("UPRN"),
    "phone": N_("Home telephone"),
    "mobile": N_("Mobile"),
    "email": N_("E-mail"),
    "nhs_number": N_("NHS number"),
    "nino": N_("National Insurance number"),
    "company_number": N_("Company number"),
    "reference": N_("Reference"),
    "vehicle": N_("Vehicle"),
    "occupation": N_("Occupation"),
    # what linkage compares besides
    "year": N_("Year of birth"),
    "day": N_("Day and month of birth"),
    "source": N_("Kept by"),
    "age": N_("Age of those whom this partner knows"),
}
KINDS: Final[Mapping[Kind, str]] = {
    Kind.PERSON: N_("Person"),
    Kind.PLACE: N_("Place"),
    Kind.ORGANISATION: N_("Organisation"),
}
SEX: Final[Mapping[str, str]] = {"F": N_("Female"), "M": N_("Male"), "X": N_("Another")}
LEVELS: Final[Mapping[str, str]] = {
    "same": N_("the same"),
    "diminutive": N_("one is a short or Welsh form of the other"),
    "one edit": N_("one letter or digit apart"),
    "two edits": N_("two digits apart"),
    "within a month": N_("within a month"),
    "a generation apart": N_("a generation apart"),
    "alike": N_("alike"),
    "somewhat alike": N_("somewhat alike"),
    "initial": N_("one is the initial of the other"),
    "found in another name": N_("found in another of their names"),
    "sounds alike": N_("they sound alike"),
    "shares a part": N_("they share a part"),
    "shares a word": N_("they share a word"),
    "swapped with the family name": N_("first and last name have changed places"),
    "swapped with a further name": N_("first and middle name have changed places"),
    "shared": N_("one in common"),
    "alike or initial": N_("alike, or one is an initial"),
    "swapped": N_("day and month have changed places"),
    "same sector": N_("next door: the same sector"),
    "same district": N_("the same district"),
    "same area": N_("the same area"),
    "same but unit": N_("the same building, another flat"),
    "same street": N_("the same street"),
    "street alike": N_("the streets are alike"),
    "number only": N_("only the number is the same"),
    "same before the @": N_("the same before the @"),
    "known of one": N_("only one of the two has a date of birth"),
    "different": N_("different"),
}
BECAUSE: Final[Mapping[str, str]] = {
    "only": N_("No other value is known"),
    "valid": N_("The others are not valid"),
    "most": N_("Most records, and the newer ones, say so"),
    "agrees": N_("It agrees with the rest"),
    "current": N_("The newer vehicle"),
    "exact": N_("It is the most exact"),
    "newest": N_("Published last"),
}
RULES: Final[Mapping[str, str]] = {
    "must": N_("A steward decided that these records are of one"),
    "must_not": N_("A steward decided that these records are of two"),
    "same_nhs_number": N_("By rule: the same NHS number, and no other date of birth"),
    "same_nino_and_name": N_("By rule: the same National Insurance number and last name, and no other date of birth"),
    "same_nino_and_birth_date": N_("By rule: the same National Insurance number and date of birth"),
    "same_reference_and_birth_date": N_("By rule: the same reference and date of birth"),
    "same_name_birth_date_and_postcode": N_("By rule: the same first and last name, date of birth and postcode"),
    "same_number": N_("By rule: the same UPRN or company number"),
    "same_address": N_("By rule: the same address and postcode"),
    "same_door_street_alike": N_("By rule: the same number and postcode, and the streets are alike"),
    "same_address_postcode_alike": N_("By rule: the same address, and the postcode is cut short or misspelt"),
    "same_address_in_town": N_("By rule: the same address in one town, and only one says its postcode"),
    "same_door_and_postcode": N_("By rule: the same number and postcode; streets have more than one name"),
    "same_name_and_place": N_("By rule: the same name, at one address, telephone or e-mail"),
    "names_alike_same_place": N_("By rule: the names are alike, at one address, telephone or e-mail"),
    "same_name_and_postcode": N_("By rule: the same name and postcode"),
    "same_name_in_town": N_("By rule: the same name in one town, and nothing says that they are apart"),
    "no_rule": N_("Only stated rules may join these records, whatever the percentage, and none of them does"),
}


SEARCHES: Final[Mapping[Kind, str]] = {
    Kind.PERSON: N_("People"),
    Kind.PLACE: N_("Places"),
    Kind.ORGANISATION: N_("Organisations"),
}
QUESTIONS: Final[Mapping[Kind, tuple[str, str, str]]] = {
    Kind.PERSON: (N_("One person or two?"), N_("One person"), N_("Two people")),
    Kind.PLACE: (N_("One place or two?"), N_("One place"), N_("Two places")),
    Kind.ORGANISATION: (N_("One organisation or two?"), N_("One organisation"), N_("Two organisations")),
}
"""What a steward is asked of two records of a kind, and both answers."""
GROUNDS: Final[Mapping[str, str]] = {
    "no_longer_necessary": N_("The data is no longer needed; new dealings may bring the records back"),
    "consent_withdrawn": N_("Consent was withdrawn"),
    "objection": N_("The person objected, and nothing overrides it"),
    "unlawful": N_("The data was processed unlawfully"),
    "legal_obligation": N_("The law demands it"),
}
KEYS: Final[Mapping[str, str]] = {
    "word": N_("Any name"),
    "name": N_("A name"),
    "given": N_("First name"),
    "given three": N_("First three letters of the first name"),
    "given sound": N_("Sound of the first name"),
    "group": N_("First name in any of its forms"),
    "family": N_("Last name"),
    "family four": N_("First four letters of the last name"),
    "family sound": N_("Sound of the last name"),
    "year": N_("Year of birth"),
    "day": N_("Day and month of birth"),
    "postcode": N_("Postcode"),
    "sector": N_("Postcode sector"),
    "district": N_("Postcode district"),
    "street": N_("Street"),
    "home": N_("House and street"),
    "town": N_("Town"),
    "uprn": N_("UPRN"),
    "phone": N_("Telephone"),
    "email": N_("E-mail"),
    "local": N_("E-mail before the @"),
    "nhs": N_("NHS number"),
    "nino": N_("National Insurance number"),
    "reference": N_("Reference"),
    "vehicle": N_("Vehicle"),
    "birth place": N_("Place of birth"),
    "occupation": N_("Occupation"),
}
"""The parts of block keys (keys.py)."""


def ground(name: str, spoken: Language) -> str:
    """A ground of erasure."""
    return spoken.gettext(GROUNDS[name])


def key(kind: str, spoken: Language) -> str:
    """A kind of block key: "Year of birth + Postcode"; the code's word for a part that has none."""
    return " + ".join(spoken.gettext(KEYS[part]) if part in KEYS else part for part in kind.split(" + "))


def field(name: str, spoken: Language) -> str:
    """A field's name; the code's word for one that has none."""
    return spoken.gettext(FIELDS[name]) if name in FIELDS else name


def rule(name: str | None, spoken: Language) -> str:
    """What decided, when no score did; empty when one did."""
    return spoken.gettext(RULES[name]) if name and name in RULES else name or ""


def level(name: str, spoken: Language) -> str:
    """How far a field agrees. "one edit, year same" (a day of birth, beside its year) is said in its first part."""
    first = name.split(", year ")[0]
    return spoken.gettext(LEVELS[first]) if first in LEVELS else first


def value(name: str, text: str, spoken: Language) -> str:
    """A value as people write it, an NHS number in groups as it is read aloud."""
    if name == "sex":
        return spoken.gettext(SEX[text]) if text in SEX else text
    if name == "birth_date":
        return _date(text, spoken)
    if name == "nhs_number" and len(text) == 10:
        return f"{text[:3]} {text[3:6]} {text[6:]}"
    return text


def _date(text: str, spoken: Language) -> str:
    try:
        return spoken.day(date.fromisoformat(text))
    except ValueError:
        return text
