"""Addresses as one line, towns and postcodes."""

import re

from uk_postcodes_parsing.fix import fix
from uk_postcodes_parsing.postcode_utils import is_valid, to_normalised

from shared.normal.text import Reading, cached, clean, listed, plain, stands_for_nothing, without_shouting

_LINES = re.compile(r"\s*[,\r\n][,\s]*")
_LAST = re.compile(r"[,\s]+([A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2})$")
_NOWHERE = listed("no fixed abode|of no fixed abode|no fixed address|nfa|homeless|digartref|dim cartref sefydlog", "|")
_UNUSED = "ZZ99"
"""NHS pseudo-postcodes (ZZ99 3VZ: no fixed abode, ZZ99 3WZ: not known …) are no place."""


@cached(8192)
def address(text: str) -> Reading:
    """The lines parted by ", ", no postcode at the end, not in capitals alone. "No fixed abode" is no address."""
    value, reason = clean(_LINES.sub(", ", text))
    value = _LAST.sub("", value).strip(" ,;.")
    if stands_for_nothing(value) or value.lower() in _NOWHERE:
        return "", "placeholder" if value else reason
    return without_shouting(value), reason


@cached(8192)
def postcode_within(text: str) -> str:
    """The postcode with which a one-line address ends, or ""."""
    found = _LAST.search(clean(text)[0])
    return postcode(found[1])[0] if found else ""


@cached(1024)
def town(text: str) -> Reading:
    """A town, not in capitals alone."""
    value, reason = plain(text)
    return without_shouting(value.strip(" ,.")), reason


@cached(8192)
def postcode(text: str) -> Reading:
    """``NW1 0AA``. Letters O and I in the place of digits, and the reverse, are put right; what cannot be one is kept
    as given with a finding.

    By the library's parts and not by its ``parse``, which logs the postcodes it cannot read, and loads every postcode
    of each district it sees into memory for good.
    """
    given, reason = plain(text)
    compact = given.replace(" ", "").upper()
    if not compact or compact.startswith(_UNUSED):
        return "", "placeholder" if compact else reason
    if is_valid(compact):
        return str(to_normalised(compact)), reason
    repaired = fix(compact)
    return (str(to_normalised(repaired)), "repaired") if is_valid(repaired) else (given, "postcode_unreadable")
