"""Writes a person, a place or a business down the way one partner does, with the partner's errors."""

from collections.abc import Mapping
from random import Random

from region import dirt
from region.people import Person, age_on
from region.places import Place
from region.styles import STYLES
from region.vocabulary import PARTNERS
from region.world import Organisation, World

Fields = dict[str, str]
_MISSING = ("", "", "N/A", "Unknown", "-")
_TITLES = {"F": ("Mrs", "Miss", "Ms"), "M": ("Mr",)}


class Clerk:
    """One partner's way of writing. Rates are of records; a partner's ``errors`` multiplies them."""

    def __init__(self, partner: str, world: World) -> None:
        self._world, self._style = world, STYLES[partner]
        self._fields = sorted({name for event in PARTNERS[partner].events for name in event.person})
        self._date = dirt.DATES[self._style.dates]

    def person(self, person: Person, place: Place, key: str) -> Fields:
        """All fields of a person. ``key`` seeds the errors: those of the name stay when only the address changes."""
        rng = self._world.rng("name", key)
        values = self._name(person, rng)
        known = rng.random() >= 0.012 * self._style.errors
        values |= self._particulars(person, rng)
        values |= self._address(place, person, self._world.rng("address", key, place.uprn))
        values |= self._contacts(person, rng)
        if not known:
            return self._barely(values, rng)
        return {name: values[name] for name in self._fields if name in values}

    def place(self, place: Place, rng: Random) -> Fields:
        """The fields of a place; a partner that knows few UPRNs leaves them out."""
        fields = self._address(place, None, rng)
        if rng.random() < max(0.6, self._style.knows("uprn")):
            fields["uprn"] = place.uprn
        return fields

    def organisation(self, organisation: Organisation, rng: Random) -> Fields:
        """The fields of a business: its legal form written in full or short or left out, its number often unknown."""
        name = organisation.name
        if self._wrong(rng, 0.2):
            name = name.replace("Limited", "Ltd") if "Limited" in name else name.replace(" Ltd", " Limited")
        if self._wrong(rng, 0.12):
            name = name.replace("&", "and") if "&" in name else name.removesuffix(" Ltd").removesuffix(" Limited")
        if self._wrong(rng, 0.06):
            name = dirt.typo(rng, name)
        known = {
            "company_number": organisation.company_number if rng.random() < 0.7 else "",
            "phone": organisation.phone if rng.random() < 0.7 else "",
            "email": organisation.email if rng.random() < 0.5 else "",
        }
        return {"name": name, **self.place(organisation.place, rng), **{f: v for f, v in known.items() if v}}

    # --- parts of a person

    def _wrong(self, rng: Random, rate: float) -> bool:
        return rng.random() < rate * self._style.errors

    def _knows(self, rng: Random, field: str) -> bool:
        return rng.random() < self._style.knows(field)

    def _name(self, person: Person, rng: Random) -> Fields:
        """Given, middle and family name, or all in one line."""
        given, middle = person.given, person.middle if self._knows(rng, "middle") else ""
        family = self._family(person, rng)
        if self._wrong(rng, 0.07):
            given = dirt.short_form(rng, given)
        elif middle and self._wrong(rng, 0.015):
            given, middle = middle, given
        if self._wrong(rng, 0.02):
            given = dirt.misheard(rng, given)
        if self._wrong(rng, 0.02):
            given = dirt.typo(rng, given)
        if self._wrong(rng, 0.012):
            given = given[0]
        if middle and rng.random() < 0.3:
            middle = middle[0]
        if self._style.plain or rng.random() < 0.35:
            given, middle, family = dirt.unaccented(given), dirt.unaccented(middle), dirt.unaccented(family)
        if self._wrong(rng, 0.005):
            given, family = family, given
        if self._style.upper:
            given, middle, family = given.upper(), middle.upper(), family.upper()
        return self._shaped(person, given, middle, family, rng)

    def _family(self, person: Person, rng: Random) -> str:
        """The surname: of before a marriage still, half of a double one, misheard or mistyped."""
        family = person.family
        if person.birth_family and self._wrong(rng, 0.05):
            family = person.birth_family
        if "-" in family and self._wrong(rng, 0.35):
            family = rng.choice((family.replace("-", " "), family.split("-")[0], family.split("-")[-1]))
        if self._wrong(rng, 0.025):
            family = dirt.misheard(rng, family)
        if self._wrong(rng, 0.025):
            family = dirt.typo(rng, family)
        return family

    def _shaped(self, person: Person, given: str, middle: str, family: str, rng: Random) -> Fields:
        """In the partner's columns. A line may have a title, or initials only."""
        if self._style.shape == "parts":
            fields = {"given": given, "middle": middle, "family": family}
            if person.birth_family and self._knows(rng, "birth_family"):
                fields["birth_family"] = person.birth_family
            return {name: value for name, value in fields.items() if value}
        first = " ".join(part for part in (given, middle) if part)
        if self._wrong(rng, 0.1):
            first = " ".join(part[0] for part in first.split())
        if self._style.shape == "family_first":
            return {"name": f"{family}, {first}"}
        title = f"{rng.choice(_TITLES[person.sex])} " if rng.random() < 0.3 else ""
        line = f"{title}{first} {family}"
        return {"name": line.upper() if self._style.upper else line}

    def _particulars(self, person: Person, rng: Random) -> Fields:
        """Sex, date of birth and numbers."""
        fields: Fields = {}
        born = dirt.wrong_day(rng, person.birth_date) if self._wrong(rng, 0.025) else person.birth_date
        written = self._date if not self._wrong(rng, 0.05) else dirt.DATES[rng.choice(list(dirt.DATES))]
        sex = person.sex if not self._wrong(rng, 0.004) else "F" if person.sex == "M" else "M"
        values = {
            "sex": self._style.sexes[sex == "M"],
            "birth_date": written(born),
            "nhs_number": self._number(person.nhs_number, rng),
            "nino": person.nino
            if not self._wrong(rng, 0.1)
            else f"{person.nino[:2]} {person.nino[2:8]} {person.nino[8:]}",
            "reference": person.pupil_number,
            "vehicle": person.vehicle,
            "birth_place": person.birth_place,
            "occupation": person.occupation,
        }
        for field, value in values.items():
            knows, missing = self._knows(rng, field), rng.random()
            if value.strip() and knows:
                fields[field] = value
            elif missing < 0.08:
                fields[field] = _MISSING[int(missing * 1000) % len(_MISSING)]
        return fields

    def _address(self, place: Place, person: Person | None, rng: Random) -> Fields:
        """One line without postcode, the town, the postcode, and the UPRN where the partner looks it up."""
        in_welsh = self._style.welsh * (2.0 if person and person.language == "cy" else 0.5)
        welsh = place.welsh and rng.random() < in_welsh
        address, town = place.welsh if welsh else place.address, place.town.welsh if welsh else place.town.name
        if self._wrong(rng, 0.1):
            address = dirt.written_address(rng, address)
        if person and self._wrong(rng, 0.006):
            host = rng.choice(self._world.people)
            address = f"c/o {host.given} {host.family}, {address}"
        if self._style.upper:
            address, town = address.upper(), town.upper()
        postcode = dirt.written_postcode(rng, place.postcode) if self._wrong(rng, 0.07) else place.postcode
        if person and self._wrong(rng, 0.003):
            return {"address": "No fixed abode"}
        fields = {"address": address, "town": town, "postcode": postcode, "uprn": place.uprn}
        return {name: value for name, value in fields.items() if self._knows(rng, name)}

    def _contacts(self, person: Person, rng: Random) -> Fields:
        """Telephones and e-mail; of a child a parent's, of some couples one for both."""
        household = self._world.household_of[person.id]
        child = age_on(person.birth_date, self._world.start) < 16
        sharing = child or (len(household.members) > 1 and rng.random() < 0.04)
        source = household.members[-1 if len(household.members) == 1 else rng.randrange(2)] if sharing else person
        values: Mapping[str, str] = {
            "phone": household.landline or source.mobile,
            "mobile": person.mobile or (source.mobile if child else ""),
            "email": source.email,
        }
        fields: Fields = {}
        for field, value in values.items():
            knows = self._knows(rng, field)
            if value and knows:
                fields[field] = self._number(value, rng) if field != "email" else self._email(value, rng)
        return fields

    def _number(self, number: str, rng: Random) -> str:
        return dirt.written_number(rng, number) if number and self._wrong(rng, 0.12) else number

    def _email(self, email: str, rng: Random) -> str:
        if self._wrong(rng, 0.02):
            return dirt.typo(rng, email.split("@")[0]) + "@" + email.split("@")[1]
        return email.upper() if self._wrong(rng, 0.03) else email

    def _barely(self, values: Fields, rng: Random) -> Fields:
        """A nearly empty record: a name and at most one thing more."""
        names = ("name",) if "name" in values else ("family",) if rng.random() < 0.5 else ("given", "family")
        more = rng.choice(("birth_date", "postcode", "sex", "address"))
        return {name: values[name] for name in (*names, more) if name in values and name in self._fields}
