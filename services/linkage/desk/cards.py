"""Entities and pairs of records as pages show them: every word in the reader's language, nothing left to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.linkage.desk import words
from services.linkage.desk.reasoning import Reasoned
from services.linkage.desk.reviewing import Case
from services.linkage.desk.searching import Hit
from services.linkage.desk.showing import Shown, in_order
from services.linkage.desk.viewing import Reception
from services.linkage.matching.explain import Explanation
from services.linkage.matching.rules import NO_RULE
from services.linkage.records import Identity, Kept
from shared.web import N_, Language

FACTS = ("birth_date", "address", "town", "postcode", "company_number")
"""What tells two people of one name apart at a glance."""
COMPARED_AS: Mapping[str, str] = {"year": "birth_date", "day": "birth_date"}
"""Fields that linkage compares under another name than the record has them."""
MOST_WORDS = 5
LIKELIER = N_("%(times)s times likelier of one")
UNLIKELIER = N_("%(times)s times likelier of two")
SURE, HOPELESS = N_("over 99%"), N_("under 1%")


@dataclass(frozen=True, slots=True)
class Line:
    """A value of the golden record."""

    field: str
    value: str
    source: str
    published: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Column:
    """A record beside its fellows: who published it, when last, and its value in each row (empty: none).

    ``wins``: for each row, whether the golden record has its value from here.
    """

    id: UUID
    source: str
    seen: datetime
    values: Sequence[str]
    wins: Sequence[bool]


@dataclass(frozen=True, slots=True)
class EntityCard:
    """An entity's page. ``fields`` are the rows of ``columns`` (all its records, or the first of very many) and of
    ``golden_column``."""

    shown: Shown
    name: str
    kind: str
    facts: Sequence[str]
    golden: Sequence[Line]
    fields: Sequence[str]
    columns: Sequence[Column]
    golden_column: Sequence[str]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A row of a pair: both values, how far they agree, and what that is worth (None: it is not compared)."""

    field: str
    left: str
    right: str
    level: str
    bits: float | None
    odds: str


@dataclass(frozen=True, slots=True)
class PairCard:
    """Two records side by side. ``percent`` 0–1; ``speaking``: the weightiest agreements in words."""

    pair: Reasoned
    left: str
    right: str
    percent: float
    likely: str
    rows: Sequence[Weighed]
    speaking: Sequence[str]
    rule: str


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A pair on the review desk, and the names of the entities it is in."""

    case: Case
    pair: PairCard
    names: tuple[str, str]
    facts: tuple[Sequence[str], Sequence[str]]
    path: str


@dataclass(frozen=True, slots=True)
class HitCard:
    """One answer to a search."""

    id: UUID
    name: str
    facts: Sequence[str]
    likely: str
    level: str
    speaking: Sequence[str]
    records: int


class Wording:
    """Makes the cards."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def entity(self, shown: Shown, spoken: Language, most: int | None = None) -> EntityCard:
        """``most``: how many of its records stand side by side; all of them where that is not said."""
        golden = said(shown, spoken)
        lines = [
            Line(
                words.field(field, spoken), golden[field], self.of_record(record_of(shown, one.record), spoken),
                one.at, spoken.gettext(words.BECAUSE[one.because]) if one.because in words.BECAUSE else one.because,
            )
            for field, one in shown.golden.items()
        ]  # fmt: skip
        fields = shown.fields
        columns = [self._column(record, fields, shown, spoken) for record in shown.records[:most]]
        return EntityCard(
            shown, name_of(golden, shown, spoken), spoken.gettext(words.KINDS[shown.kind]), facts_of(golden), lines,
            [words.field(field, spoken) for field in fields], columns, [golden.get(field, "") for field in fields],
        )  # fmt: skip

    def hit(self, hit: Hit, spoken: Language) -> HitCard:
        golden = said(hit.shown, spoken)
        level = "high" if hit.probability >= 0.8 else "medium" if hit.probability >= 0.2 else "low"
        return HitCard(
            hit.shown.entity, name_of(golden, hit.shown, spoken), facts_of(golden), likely(hit.probability, spoken),
            level, speaking(hit.evidence, spoken) or [*filter(None, [by_rule(hit.evidence, spoken)])],
            len(hit.shown.records),
        )  # fmt: skip

    def pair(self, pair: Reasoned, spoken: Language) -> PairCard:
        rows = [self._weighed(field, pair, spoken) for field in in_order({*pair.left.identity, *pair.right.identity})]
        rule = pair.ruling.verdict if pair.ruling else pair.evidence.rule
        probability = pair.evidence.probability / 100
        return PairCard(
            pair, self.of_record(pair.left, spoken), self.of_record(pair.right, spoken), probability,
            likely(probability, spoken), rows, speaking(pair.evidence, spoken), words.rule(rule, spoken),
        )  # fmt: skip

    def case(self, case: Case, spoken: Language) -> CaseCard:
        golden = said(case.left, spoken), said(case.right, spoken)
        return CaseCard(
            case, self.pair(case.pair, spoken),
            (name_of(golden[0], case.left, spoken), name_of(golden[1], case.right, spoken)),
            (facts_of(golden[0]), facts_of(golden[1])), f"review/{case.pair.left.id}/{case.pair.right.id}",
        )  # fmt: skip

    def of_record(self, record: Kept, spoken: Language) -> str:
        """A record by the agreement it came in by."""
        return self._reception.of_agreement(record.agreement, spoken)

    def _column(self, record: Kept, fields: Sequence[str], shown: Shown, spoken: Language) -> Column:
        values = [words.value(field, record.identity.get(field, ""), spoken) for field in fields]
        wins = [field in shown.golden and shown.golden[field].record == record.id for field in fields]
        return Column(record.id, self.of_record(record, spoken), record.seen, values, wins)

    def _weighed(self, field: str, pair: Reasoned, spoken: Language) -> Weighed:
        told = [one for one in pair.evidence.fields if field in (one.field, COMPARED_AS.get(one.field))]
        if field == "mobile" and "phone" not in {*pair.left.identity, *pair.right.identity}:
            told = [one for one in pair.evidence.fields if one.field == "phone"]
        bits = sum(one.bits for one in told) if told else None
        level = "; ".join(dict.fromkeys(words.level(one.level, spoken) for one in told))
        left, right = (words.value(field, one.identity.get(field, ""), spoken) for one in (pair.left, pair.right))
        return Weighed(words.field(field, spoken), left, right, level, bits, "" if bits is None else odds(bits, spoken))


def said(shown: Shown, spoken: Language) -> dict[str, str]:
    """The golden record as people write it."""
    return {field: words.value(field, one.value, spoken) for field, one in shown.golden.items()}


def record_of(shown: Shown, id: UUID) -> Kept:
    return next(record for record in shown.records if record.id == id)


def name_of(golden: Identity, shown: Shown, spoken: Language) -> str:
    """What a page calls an entity: its name, a place by its address, and one without either by its kind."""
    parts = " ".join(golden[field] for field in ("given", "family") if field in golden)
    address = ", ".join(golden[field] for field in ("address", "postcode") if field in golden)
    return parts or golden.get("name") or address or spoken.gettext(words.KINDS[shown.kind])


def facts_of(golden: Identity) -> list[str]:
    return [golden[field] for field in FACTS if field in golden]


def speaking(evidence: Explanation, spoken: Language) -> list[str]:
    """The weightiest fields in words: "Date of birth: the same"."""
    weighty = sorted(evidence.fields, key=lambda one: -abs(one.bits))[:MOST_WORDS]
    return [f"{words.field(one.field, spoken)}: {words.level(one.level, spoken)}" for one in weighty]


def by_rule(evidence: Explanation, spoken: Language) -> str:
    """The rule that holds, in words; empty when none does."""
    return words.rule(evidence.rule, spoken) if evidence.rule != NO_RULE else ""


def likely(probability: float, spoken: Language) -> str:
    """A probability (0–1) in per cent; no page says that anything is certain."""
    if probability >= 0.99:
        return spoken.gettext(SURE)
    return spoken.gettext(HOPELESS) if probability < 0.01 else spoken.percent(probability)


def odds(bits: float, spoken: Language) -> str:
    """2^bits in words: how much likelier a pair of one is to agree like this than a pair of two."""
    times = 2.0 ** min(abs(bits), 40.0)
    shown = spoken.number(round(times, 1) if times < 10 else float(f"{times:.2g}"))
    if times < 1.05:
        return spoken.gettext("says nothing")
    return spoken.gettext(LIKELIER if bits > 0 else UNLIKELIER, times=shown)
