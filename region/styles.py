"""How each partner writes things down: the habits of its system and of the people who type into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Share of records in which a field is filled, for partners that say nothing else.
USUALLY_KNOWN: Mapping[str, float] = {
    "middle": 0.55, "birth_family": 0.35, "sex": 0.97, "birth_date": 0.96, "address": 0.98, "town": 0.85,
    "postcode": 0.96, "uprn": 0.3, "phone": 0.6, "mobile": 0.6, "email": 0.5, "nhs_number": 0.8, "nino": 0.6,
    "reference": 0.6, "vehicle": 0.3, "birth_place": 0.35, "occupation": 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """``errors`` multiplies every rate of error; ``anonymous`` is the share of events without a local id;
    ``doubled`` the share of people with two local ids; ``hears`` the mean days until a move or a new name is known.
    """

    prefix: str
    dates: str
    shape: Literal["parts", "line", "family_first"] = "parts"
    sexes: tuple[str, str] = ("F", "M")
    upper: bool = False
    plain: bool = False
    welsh: float = 0.2
    errors: float = 1.0
    anonymous: float = 0.0
    doubled: float = 0.01
    hears: int = 14
    known: Mapping[str, float] = field(default_factory=dict)

    def knows(self, name: str) -> float:
        return self.known.get(name, USUALLY_KNOWN.get(name, 1.0))


STYLES: Mapping[str, Style] = {
    "schools": Style(
        "P", "slashes", sexes=("Female", "Male"), errors=0.7, hears=21, welsh=0.4,
        known={"reference": 0.97, "phone": 0.9},
    ),
    "housing": Style("T", "iso", upper=True, plain=True, hears=7, known={"uprn": 0.97, "nino": 0.75}),
    "council-tax": Style("CT", "iso", shape="line", upper=True, plain=True, errors=0.8, hears=10, known={"uprn": 0.98}),
    "police": Style(
        "N", "slashes", upper=True, errors=1.8, anonymous=0.1, doubled=0.05, hears=40,
        known={"postcode": 0.8, "birth_date": 0.9},
    ),
    "fire": Style("FR", "dots", shape="line", errors=1.2, hears=30, known={"uprn": 0.92}),
    "ambulance": Style(
        "A", "dots", shape="line", errors=2.2, anonymous=0.45, doubled=0.03, hears=5,
        known={"nhs_number": 0.4, "birth_date": 0.8, "town": 0.5, "postcode": 0.7},
    ),
    "hospital": Style(
        "H", "eight", upper=True, plain=True, errors=0.8, doubled=0.015, hears=35,
        known={"nhs_number": 0.93},
    ),
    "youth-justice": Style("Y", "dashes", hears=10, known={"reference": 0.6, "mobile": 0.8}),
    "childrens-social-care": Style("C", "words", hears=6, welsh=0.3, known={"nhs_number": 0.7, "uprn": 0.4}),
    "adult-social-care": Style("S", "slashes", hears=20, welsh=0.3, known={"nhs_number": 0.85}),
    "licensing": Style("L", "words", shape="family_first", errors=0.9, hears=90, known={"mobile": 0.8, "vehicle": 0.5}),
    "food-safety": Style("F", "slashes", shape="line", errors=1.3, hears=60),
    "trading-standards": Style("TS", "slashes", shape="line", errors=1.3, hears=60),
}  # fmt: skip
