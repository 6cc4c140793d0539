"""The golden record: of all that an entity's records say, field by field, what is best believed and where it is from.

It is a view, made anew from the records whenever it is asked for. Each field has a list of criteria (`RULES`); the
first that tells two values apart decides, and is the reason shown. Support comes before fine points: every record
speaks for its value with its source's quality, halved for each half-life since the value was published.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.linkage.reading.dwellings import Dwelling, dwelling_of
from services.linkage.reading.soundness import is_sound, names_in_email, phone_is_from, plate_age
from services.linkage.records import Kept

YEAR: Final = 365.25 * 86400
HALF_LIVES: Final[Mapping[str, float]] = {
    "address": 1.5, "town": 1.5, "postcode": 1.5, "uprn": 1.5, "phone": 2.0, "mobile": 2.0, "email": 3.0,
    "vehicle": 3.0, "occupation": 2.0, "family": 6.0, "name": 6.0,
}  # fmt: skip
"""Years after which what a record says of a field counts half; fields that do not change are not here."""

PLACE: Final = ("address", "town", "postcode", "uprn")


@dataclass(frozen=True, slots=True)
class Value:
    """One field of a golden record: where it comes from, when it was last published, and why it won (see `RULES`)."""

    value: str
    record: UUID
    partner: str
    at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Claim:
    """All records that say the same of one field: their joint support, and the newest of them."""

    value: str
    support: float
    newest: Kept
    at: datetime


Context = Mapping[str, Value]
Criterion = Callable[[str, Claim, Context], float]


def _sound(field: str, claim: Claim, _: Context) -> float:
    return is_sound(field, claim.value)


def _most(_: str, claim: Claim, __: Context) -> float:
    """Support in doublings: half as much again is no reason, twice as much is."""
    return round(math.log2(claim.support))


def _exactly_most(_: str, claim: Claim, __: Context) -> float:
    return round(claim.support, 9)


def _agrees(field: str, claim: Claim, golden: Context) -> float:
    if field == "phone" and "postcode" in golden:
        return phone_is_from(claim.value, golden["postcode"].value)
    return names_in_email(claim.value, [golden[name].value for name in ("name", "given", "family") if name in golden])


def _current(_: str, claim: Claim, __: Context) -> float:
    return plate_age(claim.value)


def _newest(_: str, claim: Claim, __: Context) -> float:
    return claim.at.timestamp()


_ALWAYS: Final = (("valid", _sound), ("most", _most))
_LAST: Final = (("most", _exactly_most), ("newest", _newest))
RULES: Final[Mapping[str, Sequence[tuple[str, Criterion]]]] = {
    "phone": (*_ALWAYS, ("agrees", _agrees), *_LAST),
    "email": (*_ALWAYS, ("agrees", _agrees), *_LAST),
    "vehicle": (*_ALWAYS, ("current", _current), *_LAST),
}
"""Field → criteria by the reason they give: valid, most, agrees (with the rest of the golden record), current (the
newer vehicle), newest; `only` when there was no choice; an address is judged with its town and postcode, and may be
the most `exact`. Fields not named here take the first two and the last two."""


def golden_of(records: Sequence[Kept], quality: Mapping[str, float] | None = None) -> Mapping[str, Value]:
    """The golden record of these records and no others. `quality` weighs partners' records, 1 where it names none."""
    weights = quality or {}
    newest = max((_at(record, field) for record in records for field in record.identity), default=None)
    golden: dict[str, Value] = {}
    if newest is None:
        return golden
    claims = _claims(records, weights, newest)
    golden |= _place(records, claims, weights, newest)
    for field in sorted(claims.keys() - golden.keys(), key=lambda field: (field in ("phone", "email"), field)):
        golden[field] = _best(field, claims[field], golden)
    return golden


def _claims(records: Sequence[Kept], quality: Mapping[str, float], newest: datetime) -> dict[str, list[Claim]]:
    """Field → claims, one a value."""
    found: defaultdict[str, defaultdict[str, list[Kept]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for field, value in record.identity.items():
            found[field][value].append(record)
    return {
        field: [_claim(field, value, bearers, quality, newest) for value, bearers in sorted(values.items())]
        for field, values in found.items()
    }


def _claim(
    field: str, value: str, bearers: Sequence[Kept], quality: Mapping[str, float], newest: datetime
) -> Claim:  # fmt: skip
    last = max(bearers, key=lambda record: (_at(record, field), record.id))
    support = sum(_weight(record, field, quality, newest) for record in sorted(bearers, key=lambda record: record.id))
    return Claim(value, support, last, _at(last, field))


def _weight(record: Kept, field: str, quality: Mapping[str, float], newest: datetime) -> float:
    years = (newest - _at(record, field)).total_seconds() / YEAR
    faded: float = 0.5 ** (years / HALF_LIVES.get(field, math.inf))
    return max(quality.get(record.partner, 1.0) * faded, 1e-9)


def _best(field: str, claims: Sequence[Claim], golden: Context) -> Value:
    rules = RULES.get(field, (*_ALWAYS, *_LAST))
    ranked = sorted(claims, key=lambda claim: ([-judge(field, claim, golden) for _, judge in rules], claim.value))
    return _value(ranked[0], _reason(field, ranked, rules, golden))


def _reason(
    field: str, ranked: Sequence[Claim], rules: Sequence[tuple[str, Criterion]], golden: Context
) -> str:  # fmt: skip
    if len(ranked) == 1:
        return "only"
    first, second = ranked[:2]
    return next((why for why, judge in rules if judge(field, first, golden) != judge(field, second, golden)), "newest")


def _value(claim: Claim, because: str) -> Value:
    return Value(claim.value, claim.newest.id, claim.newest.partner, claim.at, because)


def _place(
    records: Sequence[Kept], claims: Mapping[str, Sequence[Claim]], quality: Mapping[str, float], newest: datetime
) -> dict[str, Value]:
    """Address, town, postcode and UPRN survive together: of the best supported dwelling, as its most exact record
    has them; what that record lacks comes from the dwelling's other records."""
    living = [
        (dwelling, record, _weight(record, _placed_by(record), quality, newest))
        for record in records
        if (dwelling := dwelling_of(record.identity)) is not None
    ]
    if not living:
        return {}
    groups = _dwellings(living)
    best = max(groups, key=lambda group: (sum(weight for _, _, weight in group), max(r.id for _, r, _ in group)))
    ranked = sorted(best, key=lambda one: (one[0].exactness, one[2], one[1].id), reverse=True)
    golden: dict[str, Value] = {}
    for field in PLACE:
        bearers = [record for _, record, _ in ranked if field in record.identity]
        sound = [record for record in bearers if is_sound(field, record.identity[field])]
        if not bearers:
            continue
        source = (sound or bearers)[0]
        value = source.identity[field]
        # Of several records that say so, the one that said it last.
        last = max((r for r in bearers if r.identity[field] == value), key=lambda r: (_at(r, field), r.id))
        because = _placed_because(claims[field], best, groups)
        golden[field] = Value(value, last.id, last.partner, _at(last, field), because)
    return golden


def _placed_by(record: Kept) -> str:
    return next(field for field in PLACE if field in record.identity)


Living = tuple[Dwelling, Kept, float]
"""Where a record says somebody lives, the record, and how much it counts."""


def _placed_because(claims: Sequence[Claim], best: Sequence[Living], groups: Sequence[Sequence[Living]]) -> str:
    if len(claims) == 1:
        return "only"
    return "exact" if len(groups) == 1 or len(best) > 1 else "most"


def _dwellings(living: Sequence[Living]) -> list[list[Living]]:
    """Records in groups of one dwelling each: a flat and its building are one while no other flat is named."""
    groups: list[list[Living]] = []
    for one in sorted(living, key=lambda one: (one[0].exactness, one[2], one[1].id), reverse=True):
        home = next((group for group in groups if one[0].may_be(group[0][0])), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return groups


def _at(record: Kept, field: str) -> datetime:
    published = datetime.fromtimestamp(record.times[field], UTC)
    return max(published, record.seen) if field in record.snapshot else published
