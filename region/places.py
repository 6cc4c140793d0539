"""Addresses of the region: towns on both sides of the border, streets, houses, flats, institutions, premises."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from region.numbers import UPRN_BASE, Numbers

PlaceKind = Literal["house", "flat", "care_home", "hall", "premises"]
Side = Literal["west", "east"]


@dataclass(frozen=True, slots=True)
class Town:
    """A town with its Welsh name where it has one, postcode district, middle (degrees) and share of homes (%)."""

    name: str
    welsh: str
    outward: str
    side: Side
    lat: float
    lon: float
    share: int


@dataclass(frozen=True, slots=True)
class Place:
    """An address that has a UPRN. ``welsh`` is the same address in Welsh, empty when there is no such form."""

    uprn: str
    address: str
    welsh: str
    town: Town
    postcode: str
    lat: float
    lon: float
    kind: PlaceKind


TOWNS: Sequence[Town] = (
    Town("Aberwern", "Aberwern", "AW1", "west", 52.341, -3.221, 26),
    Town("Aberwern South", "De Aberwern", "AW2", "west", 52.322, -3.213, 17),
    Town("Pontyrhedyn", "Pontyrhedyn", "AW3", "west", 52.402, -3.310, 11),
    Town("Llanfelin", "Llanfelin", "AW4", "west", 52.281, -3.352, 8),
    Town("Newbridge-on-Arw", "Y Bontnewydd", "AW5", "west", 52.366, -3.118, 7),
    Town("Clunbridge", "", "AW6", "east", 52.352, -2.981, 17),
    Town("Wigmoor", "", "AW7", "east", 52.298, -2.902, 9),
    Town("Marcher's Cross", "", "AW8", "east", 52.409, -2.871, 5),
)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _paired(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (pair.partition("/") for pair in text.split(","))
    return tuple((english, welsh) for english, _, welsh in pairs)


_ENGLISH_STREETS = _listed(
    "High Street,Church Road,Station Road,Mill Lane,Park Road,Victoria Road,Green Lane,The Grange,"
    "Albert Road,Queen Street,King Street,New Road,School Lane,Castle Street,Market Street,Orchard Close,"
    "The Crescent,Manor Road,Grove Road,Chapel Street,Bridge Street,Hazel Grove,Oak Avenue,Beech Drive,"
    "Elm Road,Meadow View,Riverside,The Paddocks,St John's Road,St Mary's Close,Windsor Avenue,"
    "Alexandra Road,Clarence Street,Dark Lane,Gravel Hill,Broad Street,Corve Street,Old Hall Lane,"
    "Priory Close,Abbey Road,Springfield Road,Sycamore Drive,Lime Tree Avenue,Poplar Road,Highfield Road,"
    "Hillside,Northfield Avenue,Southlands,West Street,East Street,Plough Lane,Smithy Lane"
)
# English and Welsh name of one street: partners write either.
_WELSH_STREETS = _paired(
    "High Street/Stryd Fawr,Church Road/Heol yr Eglwys,Station Road/Heol yr Orsaf,Mill Lane/Lôn y Felin,"
    "Park Road/Heol y Parc,Chapel Street/Stryd y Capel,Bridge Street/Stryd y Bont,"
    "Castle Street/Stryd y Castell,Market Street/Stryd y Farchnad,School Lane/Lôn yr Ysgol,"
    "New Road/Ffordd Newydd,Green Lane/Lôn Las,River Street/Stryd yr Afon,Well Street/Stryd y Ffynnon,"
    "King Street/Stryd y Brenin,Hill Street/Stryd y Bryn,Queen Street/Stryd y Frenhines,Long Street/Heol Hir,"
    "White House Lane/Lôn Tŷ Gwyn,Short Street/Heol Fer,Maes y Coed/,Bryn Awel/,Llys yr Onnen/,Heol Glyndŵr/,"
    "Ffordd Caerdydd/,Clos y Wern/,Maes Hyfryd/,Pen y Bryn/,Min y Nant/,Trem y Mynydd/,Rhodfa'r Dderwen/,"
    "Lôn y Celyn/,Bro Arwen/,Heol Pentre'r Felin/,Cae Glas/,Parc yr Efail/,Dôl y Bont/,Erw Las/,Bryn Eithin/,"
    "Stryd Llewelyn/,Ffordd y Gollen/,Tan y Bryn/,Glan yr Afon/"
)
_BUILDINGS = _listed(
    "Tŷ Gwyn,Llys Derw,Castle Court,Riverside House,Plas Newydd,Victoria Court,Cwrt y Felin,Priory House"
)
_SHOPS = ("Unit", "Shop", "Stall")


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Every address, by use. ``homes`` are in the order of the streets; institutions hold many people at one UPRN."""

    homes: Sequence[Place]
    care_homes: Sequence[Place]
    halls: Sequence[Place]
    premises: Sequence[Place]

    def __iter__(self) -> Iterator[Place]:
        yield from (*self.homes, *self.care_homes, *self.halls, *self.premises)


class _Builder:
    """Lays out addresses and hands out UPRNs and postcodes."""

    def __init__(self, rng: Random) -> None:
        self._rng, self._numbers, self._next = rng, Numbers(rng), 0
        self._postcodes: set[str] = set()

    def postcode(self, town: Town) -> str:
        while (code := f"{town.outward} {self._numbers.inward()}") in self._postcodes:
            pass
        self._postcodes.add(code)
        return code

    def place(self, address: str, welsh: str, town: Town, postcode: str, kind: PlaceKind) -> Place:
        # Steps of more than one, so that a UPRN's neighbour is not simply the next number.
        self._next += self._rng.randrange(1, 40)
        lat, lon = town.lat + self._rng.gauss(0, 0.008), town.lon + self._rng.gauss(0, 0.012)
        return Place(f"{UPRN_BASE + self._next}", address, welsh, town, postcode, round(lat, 5), round(lon, 5), kind)

    def street(self, town: Town, english: str, welsh: str) -> Iterator[Place]:
        """A street of 16 to 50 houses, a postcode for each twenty or so, and now and then a building of flats."""
        postcode, houses = self.postcode(town), self._rng.randrange(16, 51)
        for number in range(1, houses + 1):
            if number % 20 == 0:
                postcode = self.postcode(town)
            if self._rng.random() < 0.015:
                yield from self._flats(town, number, english, welsh, postcode)
            else:
                suffix = "a" if self._rng.random() < 0.01 else ""
                in_welsh = f"{number}{suffix} {welsh}" if welsh else ""
                yield self.place(f"{number}{suffix} {english}", in_welsh, town, postcode, "house")

    def _flats(self, town: Town, number: int, english: str, welsh: str, postcode: str) -> Iterator[Place]:
        building = self._rng.choice(_BUILDINGS)
        lettered = self._rng.random() < 0.3
        for flat in range(1, self._rng.randrange(4, 17)):
            door = chr(64 + flat) if lettered else str(flat)
            in_welsh = f"Fflat {door}, {building}, {number} {welsh}" if welsh else ""
            yield self.place(f"Flat {door}, {building}, {number} {english}", in_welsh, town, postcode, "flat")


def lay_out(rng: Random, homes: int) -> Gazetteer:
    """Addresses for at least ``homes`` households, with institutions and premises in proportion."""
    builder = _Builder(rng)
    found: list[Place] = []
    for town in TOWNS:
        wanted = homes * town.share // 100 + 2
        laid: list[Place] = []
        for english, welsh in _street_names(rng, town):
            if len(laid) >= wanted:
                break
            laid.extend(builder.street(town, english, welsh))
        found.extend(laid)
    return Gazetteer(
        found,
        [_institution(builder, rng, "care_home") for _ in range(max(1, homes // 2500))],
        [_institution(builder, rng, "hall") for _ in range(max(1, homes // 4500))],
        [_premises(builder, rng, i) for i in range(max(6, homes // 16))],
    )


def _street_names(rng: Random, town: Town) -> Iterator[tuple[str, str]]:
    """Street names without end: the known ones first, then the known ones with a word before them."""
    names = [(english, "") for english in _ENGLISH_STREETS]
    if town.side == "west":
        names = [*names[:26], *_WELSH_STREETS]
        names = list({english: (english, welsh) for english, welsh in names}.values())
    rng.shuffle(names)
    yield from names
    while True:
        for before, cy in (
            ("Upper", "Uchaf"),
            ("Lower", "Isaf"),
            ("Old", "Hen"),
            ("Little", "Bach"),
            ("Far", "Pellaf"),
        ):
            for english, welsh in names:
                yield f"{before} {english}", f"{welsh} {cy}" if welsh else ""


def _institution(builder: _Builder, rng: Random, kind: Literal["care_home", "hall"]) -> Place:
    town = TOWNS[0] if kind == "hall" else rng.choice(TOWNS)
    if kind == "hall":
        name, welsh = rng.choice((("Glyndŵr Hall", "Neuadd Glyndŵr"), ("Wern Hall", "Neuadd y Wern")))
        return builder.place(
            f"{name}, University Way", f"{welsh}, Ffordd y Brifysgol", town, builder.postcode(town), kind
        )
    name, welsh = rng.choice(
        (
            ("Bryn Haul Care Home", "Cartref Gofal Bryn Haul"),
            ("The Laurels Residential Home", ""),
            ("Hafan Deg Nursing Home", "Cartref Nyrsio Hafan Deg"),
            ("Oakfield House", ""),
        )
    )
    number = rng.randrange(1, 90)
    return builder.place(
        f"{name}, {number} Park Road",
        f"{welsh}, {number} Heol y Parc" if welsh else "",
        town,
        builder.postcode(town),
        kind,
    )


def _premises(builder: _Builder, rng: Random, i: int) -> Place:
    town = rng.choices(TOWNS, [town.share for town in TOWNS])[0]
    street, welsh = rng.choice(_WELSH_STREETS[:12]) if town.side == "west" else (rng.choice(_ENGLISH_STREETS[:18]), "")
    number = 100 + i
    door = f"{rng.choice(_SHOPS)} {rng.randrange(1, 30)}, " if rng.random() < 0.3 else ""
    in_welsh = f"{number} {welsh}" if welsh and not door else ""
    return builder.place(f"{door}{number} {street}", in_welsh, town, builder.postcode(town), "premises")
