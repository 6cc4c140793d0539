"""Places: what a record says of one, and the rules by which two records speak of the same.

A flat is in its building and is not its building: the unit is never guessed. British house numbers are unique in a
street and postcodes seldom leave one, so number and postcode say most; the street's name may be misspelt or Welsh.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA, JaroWinkler

from services.linkage.reading.dwellings import FULL_POSTCODE
from services.linkage.reading.names import fold
from services.linkage.reading.places import read_address
from services.linkage.ruled.labelling import Rule


@dataclass(frozen=True, slots=True, order=True)
class Premises:
    """A place as a record states it, each part folded, "" where it says nothing."""

    number: str
    """The UPRN: which place it is."""
    unit: str
    house: str
    street: str
    town: str
    postcode: str

    @property
    def is_pinned(self) -> bool:
        """Whether it says where in the country it is."""
        return bool(FULL_POSTCODE.match(self.postcode) and (self.house or self.street))

    @property
    def keys(self) -> tuple[str, ...]:
        """What another record of the same place shares at least one of."""
        found = []
        if self.is_pinned:
            found.append(f"{self.postcode}|{self.unit}|{self.house}")
        if self.street:
            found.append(f"{self.street}|{self.unit}|{self.house}")
        return tuple(found)

    @property
    def building(self) -> "Premises":
        """The same without the flat, and without the UPRN, which is the flat's."""
        return Premises("", "", self.house, self.street, self.town, self.postcode)


def premises(identity: Mapping[str, str]) -> Premises:
    """Read a place's identity (``shared.normal``). An address that is nobody's home reads as nothing."""
    address = read_address(identity.get("address", ""))
    return Premises(
        identity.get("uprn", ""), address.unit, address.number, address.street, fold(identity.get("town", "")),
        identity.get("postcode", ""),
    )  # fmt: skip


def _same_door(one: Premises, other: Premises) -> bool:
    return one.unit == other.unit and one.house == other.house


def _same_postcode(one: Premises, other: Premises) -> bool:
    return one.postcode == other.postcode and one.is_pinned and other.is_pinned


def _same_address(one: Premises, other: Premises) -> bool:
    return _same_door(one, other) and one.street == other.street and _same_postcode(one, other)


def _streets_alike(one: Premises, other: Premises) -> bool:
    """With a house number the postcode has said nearly all; a house with a name only may be misspelt by a letter."""
    if not (_same_door(one, other) and _same_postcode(one, other)):
        return False
    if not one.house:
        return min(len(one.street), len(other.street)) > 5 and OSA.distance(one.street, other.street) <= 1
    words, others = set(one.street.split()), set(other.street.split())
    return words <= others or others <= words or JaroWinkler.similarity(one.street, other.street) >= 0.85


def _number_in_postcode(one: Premises, other: Premises) -> bool:
    """A street may bear an English and a Welsh name."""
    return bool(one.house) and _same_door(one, other) and _same_postcode(one, other)


def _postcode_misspelt(one: Premises, other: Premises) -> bool:
    if not (one.street and one.street == other.street and _same_door(one, other) and one.postcode and other.postcode):
        return False
    short, long = sorted((one.postcode.replace(" ", ""), other.postcode.replace(" ", "")), key=len)
    cut = len(short) >= 4 and long.startswith(short)
    return cut or (bool(one.town) and one.town == other.town and OSA.distance(short, long) <= 1)


def _address_in_town(one: Premises, other: Premises) -> bool:
    """For records without a postcode."""
    here = bool(one.street and one.house and one.town) and one.town == other.town
    return here and one.street == other.street and _same_door(one, other) and not (one.postcode and other.postcode)


RULES: tuple[Rule[Premises], ...] = (
    Rule("same_address", _same_address),
    Rule("same_door_street_alike", _streets_alike),
    Rule("same_address_postcode_alike", _postcode_misspelt),
    Rule("same_address_in_town", _address_in_town),
    Rule("same_door_and_postcode", _number_in_postcode),
)
"""The surest first: a pair is decided by the first that holds."""
