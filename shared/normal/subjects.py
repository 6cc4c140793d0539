"""A subject of an event, field by field, into normal form."""

from collections.abc import Mapping
from datetime import date

from shared.contracts import Kind
from shared.normal import addresses, contacts, dates, identifiers, names
from shared.normal.text import LONGEST, Finding, Reader, listed, plain

_WHERE: Mapping[str, Reader] = {
    "address": addresses.address,
    "town": addresses.town,
    "postcode": addresses.postcode,
    "uprn": identifiers.uprn,
}
READERS: Mapping[Kind, Mapping[str, Reader]] = {
    Kind.PERSON: {
        "name": names.whole,
        "given": names.given,
        "middle": names.given,
        "family": names.family,
        "birth_family": names.family,
        "sex": identifiers.sex,
        "birth_date": dates.birth_date,
        **_WHERE,
        "phone": contacts.phone,
        "mobile": contacts.phone,
        "email": contacts.email,
        "nhs_number": identifiers.nhs_number,
        "nino": identifiers.nino,
        "reference": plain,
        "vehicle": identifiers.vehicle,
        "birth_place": addresses.town,
        "occupation": plain,
    },
    Kind.PLACE: _WHERE,
    Kind.ORGANISATION: {
        "name": plain,
        "company_number": identifiers.company_number,
        **_WHERE,
        "phone": contacts.phone,
        "email": contacts.email,
    },
}
"""How each field is read. A field that is not here has no normal form and is left out."""

LINKING: Mapping[Kind, frozenset[str]] = {
    Kind.PERSON: listed("name given family birth_family nhs_number nino reference phone mobile email vehicle"),
    Kind.PLACE: frozenset({"address", "postcode", "uprn"}),
    Kind.ORGANISATION: frozenset({"name", "company_number", "uprn", "phone", "email"}),
}
"""Who or what a subject is, can be told only by one of these: a sex and a postcode alone are nobody."""


def normalise(
    kind: Kind | str, fields: Mapping[str, str], today: date | None = None
) -> tuple[dict[str, str], list[Finding]]:
    """The identity of a subject in normal form, and what could not be read or had to be put right.

    ``fields`` as published. In the result a key that is missing means unknown. ``today`` decides on birth dates to come
    and on the century of two-digit years. A name on one line also gives given, middle, family and birth_family, where
    they were not published themselves; an address that ends with a postcode gives the postcode.
    """
    readers = READERS[Kind(kind)]
    identity: dict[str, str] = {}
    findings: list[Finding] = []
    for field, text in fields.items():
        reader = readers.get(field)
        if reader is None or not text:
            continue
        if len(text) > LONGEST:
            findings.append(Finding(field, "too_long"))
            continue
        value, reason = dates.birth_date(text, today) if field == "birth_date" else reader(text)
        if value:
            identity[field] = value
        if reason:
            findings.append(Finding(field, reason))
    if "address" in identity and "postcode" not in fields and (found := addresses.postcode_within(fields["address"])):
        identity["postcode"] = found
    if kind == Kind.PERSON:
        _take_name_apart(fields, identity, findings)
    return identity, findings


def _take_name_apart(fields: Mapping[str, str], identity: dict[str, str], findings: list[Finding]) -> None:
    """What a name on one line says and no field of its own does. "SMITH, Fred" as the surname is such a line too."""
    field = "name" if "name" in identity else "family"
    if field == "family" and ("given" in identity or "," not in fields.get("family", "")):
        return
    name = names.parsed(identity["name"] if field == "name" else names.whole(fields["family"])[0])
    if name.reason:
        findings.append(Finding(field, name.reason))
    parts = {"birth_family": name.birth_family}
    if field == "family" or not ("family" in identity or "given" in identity):
        parts |= {"given": name.given, "middle": name.middle, "family": name.family}
    identity.update((part, value) for part, value in parts.items() if value and (part not in identity or part == field))
