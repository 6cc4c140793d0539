"""Numbers and codes that registers give out, by their registers' own rules."""

import re

from nhs_number.validate import is_valid

from shared.normal.text import Reading, cached, clean, plain, stands_for_nothing, unknown_digits

_SEPARATORS = re.compile(r"[\s.\-_/]+")
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
"""HMRC's National Insurance Manual, NIM39110: the letters and prefixes that are not used."""
_LIKE_NINO = re.compile(r"(?!TN)(?=(?:\D*\d){4})[A-Z0-9]{7,9}")
_COMPANY = re.compile(r"[A-Z]{2}\d{6}|[A-Z]{2}\d{5}[A-Z]|\d{1,8}|R\d{7}")
_VEHICLE = re.compile(r"[A-Z0-9]{2,8}")
_LONGEST_UPRN = 12

_SEXES = {
    "F": "f female woman girl 2 benyw menyw merch ferch lady",
    "M": "m male man boy 1 gwryw dyn bachgen gentleman",
    "X": "x i indeterminate intersex other nonbinary non-binary nb arall",
    "": "u 0 9 unknown",
}
"""1, 2 and 9 are the NHS Data Dictionary's; its X ("not known") is not followed: by X most partners mean the marker
that passports have."""
SEXES = {word: sex for sex, words in _SEXES.items() for word in words.split()}


@cached(256)
def sex(text: str) -> Reading:
    """``F``, ``M`` or ``X`` (neither, or not only); nothing for "not known"."""
    word = clean(text)[0].lower().strip(" .")
    if word in SEXES:
        return SEXES[word], "" if SEXES[word] else "placeholder"
    return ("", "placeholder" if word else "") if stands_for_nothing(word) else ("", "sex_unreadable")


@cached(8192)
def nhs_number(text: str) -> Reading:
    """Ten digits whose last is the right check digit (NHS Data Dictionary, modulus 11).

    With a wrong one a digit was mistyped: it is nobody's number, but kept, with a finding, for its other nine.
    """
    digits = _SEPARATORS.sub("", clean(text)[0])
    if stands_for_nothing(digits) or unknown_digits(digits):
        return "", "placeholder" if digits else ""
    if not (len(digits) == 10 and digits.isascii() and digits.isdigit()):
        return "", "nhs_number_unreadable"
    return digits, "" if is_valid(digits) else "check_digit"


@cached(4096)
def nino(text: str) -> Reading:
    """``AB123456C``. What is not whole, or was never given out, is kept with a finding; a temporary number (TN…), which
    stands for a date and a sex, is nobody's.
    """
    compact = _SEPARATORS.sub("", clean(text)[0]).upper()
    if stands_for_nothing(compact):
        return "", "placeholder" if compact else ""
    if _NINO.fullmatch(compact):
        return compact, ""
    return compact if _LIKE_NINO.fullmatch(compact) else "", "nino_unreadable"


@cached(8192)
def uprn(text: str) -> Reading:
    """Unique property reference number: at most 12 digits (GeoPlace), without the zeros that some systems pad with."""
    compact = _SEPARATORS.sub("", clean(text)[0].removesuffix(".0"))
    digits = compact.lstrip("0")
    if stands_for_nothing(compact) or unknown_digits(digits):
        return "", "placeholder" if compact else ""
    if not (len(digits) <= _LONGEST_UPRN and digits.isascii() and digits.isdigit()):
        return "", "uprn_unreadable"
    return digits, ""


def company_number(text: str) -> Reading:
    """Companies House: eight characters, numbers of England and Wales padded with zeros, a prefix for the others."""
    compact = _SEPARATORS.sub("", clean(text)[0]).upper()
    if stands_for_nothing(compact) or unknown_digits(compact):
        return "", "placeholder" if compact else ""
    if not _COMPANY.fullmatch(compact):
        return "", "company_number_unreadable"
    return (compact.zfill(8) if compact.isdigit() else compact), ""


def vehicle(text: str) -> Reading:
    """A registration mark in capitals without spaces; as given, with a finding, when it cannot be one."""
    value, reason = plain(text)
    compact = _SEPARATORS.sub("", value).upper()
    if not value or _VEHICLE.fullmatch(compact):
        return compact, reason
    return value, "vehicle_unreadable"
