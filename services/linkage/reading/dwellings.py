"""Whether two addresses may be one home, and which says more."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import JaroWinkler

from services.linkage.reading.places import NOWHERE, Address, read_address

FULL_POSTCODE: Final = re.compile(r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$")


@dataclass(frozen=True, slots=True)
class Dwelling:
    """Where a record says a person lives, as far as it says."""

    address: Address
    postcode: str
    uprn: str

    @property
    def exactness(self) -> tuple[bool, bool, bool, bool, int]:
        """How much it says: UPRN, flat, number, whole postcode, length of the street."""
        address = self.address
        whole = FULL_POSTCODE.match(self.postcode) is not None
        return bool(self.uprn), bool(address.unit), bool(address.number), whole, len(address.street)

    def may_be(self, other: "Dwelling") -> bool:
        """Whether nothing speaks against the two being one home. What one does not say cannot."""
        if self.uprn and other.uprn:
            return self.uprn == other.uprn
        mine, theirs = self.address, other.address
        if mine != NOWHERE and theirs != NOWHERE:
            return (
                _meet(mine.unit, theirs.unit) and _meet(mine.number, theirs.number)
                and _streets_meet(mine.street, theirs.street)
            )  # fmt: skip
        return _postcodes_meet(self.postcode, other.postcode)


def dwelling_of(identity: Mapping[str, str]) -> Dwelling | None:
    """The dwelling that an identity names; None when it names none."""
    address, postcode = read_address(identity.get("address", "")), identity.get("postcode", "").upper()
    uprn = identity.get("uprn", "")
    if address == NOWHERE and not postcode and not uprn and not identity.get("town"):
        return None
    return Dwelling(address, postcode, uprn)


def _meet(one: str, other: str) -> bool:
    return not one or not other or one == other


def _streets_meet(one: str, other: str) -> bool:
    if not one or not other:
        return True
    words, others = set(one.split()), set(other.split())
    return words <= others or others <= words or JaroWinkler.similarity(one, other) >= 0.88


def _postcodes_meet(one: str, other: str) -> bool:
    one, other = one.replace(" ", ""), other.replace(" ", "")
    return one.startswith(other) or other.startswith(one)
