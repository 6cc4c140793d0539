"""Whether a value can be what its field says, and whether it goes with the rest of a person's record."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from services.linkage.reading.dwellings import FULL_POSTCODE
from services.linkage.reading.names import fold
from services.linkage.reading.normal import TRAITS, traits
from shared.normal import dates, identifiers

_NOT_DIGIT: Final = re.compile(r"\D+")
_MOBILE: Final = re.compile(r"^07[1-57-9]\d{8}$")
_LANDLINE: Final = re.compile(r"^0[12389]\d{8,9}$")
_EMAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]{2,}$")
_NINO: Final = re.compile(r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$")
_PLATE: Final = re.compile(r"^([A-Z]{2})(\d{2})([A-Z]{3})$")
_OLD_PLATE: Final = re.compile(r"^([A-Z])\d{1,3}[A-Z]{3}$|^[A-Z]{3}\d{1,3}([A-Z])$")


def national(phone: str) -> str:
    """The digits of a British number as dialled at home: +44 20 … and 0044 20 … become 020 …"""
    digits = _NOT_DIGIT.sub("", phone)
    if phone.strip().startswith("+44") or digits.startswith("0044"):
        return "0" + digits.removeprefix("0044").removeprefix("44").lstrip("0")
    return digits


_FORMS: Final[Mapping[str, Callable[[str], object]]] = {
    "mobile": lambda value: _MOBILE.match(national(value)),
    "phone": lambda value: _LANDLINE.match(national(value)),
    "email": _EMAIL.match,
    "nino": lambda value: _NINO.match(value.replace(" ", "").upper()),
    "nhs_number": lambda value: identifiers.nhs_number(value)[1] == "",
    "postcode": FULL_POSTCODE.match,
    "vehicle": lambda value: plate_age(value) > 0,
}
_COMPARED: Final = {"birth_date": "date", "name": "given", "given": "given", "family": "family", "town": "town"}
"""Fields without a form of their own, whose placeholders linkage reads as nothing; and the traits they become."""


def is_sound(field: str, value: str) -> bool:
    """Whether a value can be what its field says. Fields without a form of their own are always sound."""
    if field == "birth_date" and dates.birth_date(value)[1]:
        return False
    if field in _COMPARED:
        return traits({field: value})[TRAITS.index(_COMPARED[field])] != ""
    form = _FORMS.get(field)
    return form is None or bool(form(value))


def plate_age(plate: str) -> float:
    """The year a British registration mark was first issued, 0 when it does not tell.

    Source: DVLA, "Vehicle registration numbers and number plates" (INF104): 12 is March 2012, 62 September 2012; before
    September 2001 one letter of the alphabet a year.
    """
    mark = _NOT_MARK.sub("", plate.upper())
    if found := _PLATE.match(mark):
        age = int(found[2])
        return 2000 + age if age < 50 else 1950.5 + age
    if found := _OLD_PLATE.match(mark):
        letter, prefix = found[1] or found[2], bool(found[1])
        return (1983 if prefix else 1963) + "ABCDEFGHJKLMNPRSTVWXY".find(letter) % 21
    return 0.0


_NOT_MARK: Final = re.compile(r"[^A-Z0-9]")

_AREAS: Final[Mapping[str, str]] = {
    "020": "E EC N NW SE SW W WC BR CR DA EN HA IG KT RM SM TW UB", "0113": "LS", "0114": "S", "0115": "NG",
    "0116": "LE", "0117": "BS", "0118": "RG", "0121": "B", "0131": "EH", "0141": "G", "0151": "L CH", "0161": "M OL SK",
    "0191": "NE SR DH", "023": "SO PO", "024": "CV", "028": "BT", "029": "CF", "01222": "CF", "01224": "AB",
    "01225": "BA", "01227": "CT", "01228": "CA", "01229": "LA", "01239": "SA", "01243": "PO", "01244": "CH",
    "01245": "CM", "01248": "LL", "01252": "GU", "01267": "SA", "01268": "SS", "01269": "SA", "01270": "CW",
    "01273": "BN", "01274": "BD", "01282": "BB", "01286": "LL", "01291": "NP", "01323": "BN", "01325": "DL",
    "01332": "DE", "01341": "LL", "01352": "CH", "01382": "DD", "01392": "EX", "01407": "LL", "01432": "HR",
    "01437": "SA", "01443": "CF", "01446": "CF", "01452": "GL", "01473": "IP", "01482": "HU", "01484": "HD",
    "01490": "LL", "01492": "LL", "01495": "NP", "01522": "LN", "01545": "SA", "01550": "SA", "01554": "SA",
    "01559": "SA", "01597": "LD", "01600": "NP", "01603": "NR", "01604": "NN", "01606": "CW", "01633": "NP",
    "01639": "SA", "01646": "SA", "01654": "SY", "01656": "CF", "01685": "CF", "01686": "SY", "01691": "SY",
    "01733": "PE", "01743": "SY", "01744": "WA", "01745": "LL", "01752": "PL", "01758": "LL", "01766": "LL",
    "01782": "ST", "01785": "ST", "01792": "SA", "01793": "SN", "01824": "LL", "01834": "SA", "01865": "OX",
    "01873": "NP", "01874": "LD", "01902": "WV", "01904": "YO", "01905": "WR", "01925": "WA", "01928": "WA",
    "01938": "SY", "01952": "TF", "01970": "SY", "01974": "SY", "01978": "LL", "01981": "HR", "01989": "HR",
    "01994": "SA",
}  # fmt: skip
"""British area codes and the postcode areas they serve (Ofcom's National Telephone Numbering Plan; the larger ones and
those of Wales and the border)."""


def phone_is_from(phone: str, postcode: str) -> bool:
    """Whether a number's area code serves a postcode's area; what is not in the table does not."""
    digits, area = national(phone), "".join(_LETTERS.findall(postcode.upper())[:1])
    return any(area in areas.split() for code, areas in _AREAS.items() if digits.startswith(code))


_LETTERS: Final = re.compile(r"^[A-Z]+")


def names_in_email(email: str, names: Iterable[str]) -> int:
    """How many of a person's names an address bears; an initial before a family name counts as the given name."""
    local = re.sub(r"[^a-z]", "", fold(email.partition("@")[0]))
    words = list(dict.fromkeys(word for name in names for word in fold(name).split()))
    borne = [word for word in words if len(word) > 2 and word in local]
    initials = [word for word in words if word not in borne and any(local == word[0] + last for last in borne)]
    return len(borne) + len(initials)
