"""What the JSON interface says: the shapes of its questions and answers, and how they are made of what was read."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.linkage.desk.reasoning import Reasoned
from services.linkage.desk.searching import Hit
from services.linkage.desk.showing import Shown
from services.linkage.matching.explain import Explanation
from shared.contracts import Kind

MOST = 500
"""Entities in one question."""


class GoldenAsked(BaseModel):
    """Whom, and why. ``purpose`` must be the token's, where that names one."""

    entities: list[UUID] = Field(max_length=MOST)
    purpose: str = Field(min_length=1, examples=["neet"])


class GoldenSaid(BaseModel):
    """``entity``: the living one (a merged entity's id redirects for ever). ``refused``: it has records, and nothing of
    them may be shown. An id that never was has neither values nor refusal."""

    entity: UUID
    values: dict[str, str] = Field(examples=[{"given": "Rhys", "family": "Morgan", "birth_date": "2010-03-14"}])
    refused: bool


class GoldenAnswer(BaseModel):
    """By the id that was asked for."""

    entities: dict[UUID, GoldenSaid]


class FieldSaid(BaseModel):
    """A value of the golden record, with the record it comes from."""

    value: str
    record: UUID
    partner: str = Field(examples=["schools"])
    agreement: str
    published: AwareDatetime = Field(description="When that record last said so.")
    because: str = Field(description="Why it won over the others.", examples=["most"])


class RecordSaid(BaseModel):
    """One partner's record, cut to what may be shown."""

    id: UUID
    partner: str
    agreement: str
    seen: AwareDatetime
    values: dict[str, str]


class EntitySaid(BaseModel):
    """The golden record with its lineage, and the records it is made of that may be shown for this purpose."""

    asked: UUID
    entity: UUID
    kind: Kind
    purpose: str
    golden: dict[str, FieldSaid]
    records: list[RecordSaid]
    building: UUID | None = Field(description="The place that this one, a flat, is in, where a record is of it.")


class EvidenceSaid(BaseModel):
    """What one field says."""

    field: str = Field(examples=["family"])
    level: str = Field(examples=["same"])
    bits: float = Field(description="log2 of m/u: above 0 for one, below 0 for two.", examples=[7.6])


class PairSaid(BaseModel):
    """Two records: bits = prior + fields + adjustment (for what the fields have in common, such as a household)."""

    left: UUID
    right: UUID
    together: bool
    fields: list[EvidenceSaid]
    prior: float
    adjustment: float
    bits: float
    probability: float = Field(description="In per cent.", examples=[80.0])
    model: str = Field(description="The version of the model whose weights these are.")
    rule: str | None = Field(description="What decided, when no score did: a steward's must or must_not, or a rule.")


class WhySaid(BaseModel):
    """The pairs that answer, the strongest first. Only what you may see speaks. ``whole``: false when the records are
    so many that this is a part of the answer."""

    pairs: list[PairSaid]
    whole: bool = True


class SearchAsked(BaseModel):
    """What is known of whoever is meant, as you would write it. Never in an address: it names people."""

    kind: Kind = Kind.PERSON
    identity: dict[str, str] = Field(examples=[{"name": "Rhys Morgan", "birth_date": "14.3.2010", "town": "Camden"}])


class HitSaid(BaseModel):
    """An entity that may be meant. ``probability`` in per cent, given that at most one of the region is."""

    entity: UUID
    probability: float
    values: dict[str, str]
    fields: list[EvidenceSaid]


class SearchAnswer(BaseModel):
    """The likeliest first, ten at most. ``unread``: fields that could not be read, with the reason."""

    hits: list[HitSaid]
    unread: dict[str, str]


def golden_said(asked: UUID, found: Shown | None) -> GoldenSaid:
    if found is None:
        return GoldenSaid(entity=asked, values={}, refused=False)
    return GoldenSaid(entity=found.entity, values=values_of(found), refused=found.refused)


def values_of(found: Shown) -> dict[str, str]:
    return {field: one.value for field, one in found.golden.items()}


def entity_said(purpose: str, found: Shown) -> EntitySaid:
    records = {record.id: record for record in found.records}
    golden = {
        field: FieldSaid(
            value=one.value, record=one.record, partner=one.partner, agreement=records[one.record].agreement,
            published=one.at, because=one.because,
        )
        for field, one in found.golden.items()
    }  # fmt: skip
    return EntitySaid(
        asked=found.asked, entity=found.entity, kind=found.kind, purpose=purpose, golden=golden,
        records=[
            RecordSaid(
                id=record.id, partner=record.partner, agreement=record.agreement, seen=record.seen,
                values=dict(record.identity),
            )
            for record in found.records
        ],
        building=found.building,
    )  # fmt: skip


def pair_said(pair: Reasoned) -> PairSaid:
    evidence = pair.evidence
    return PairSaid(
        left=pair.left.id, right=pair.right.id, together=pair.together, fields=_fields(evidence),
        prior=round(evidence.prior, 2), adjustment=evidence.adjustment, bits=evidence.bits,
        probability=evidence.probability, model=evidence.model,
        rule=pair.ruling.verdict if pair.ruling else evidence.rule,
    )  # fmt: skip


def hit_said(hit: Hit) -> HitSaid:
    return HitSaid(
        entity=hit.shown.entity, probability=round(100 * hit.probability, 1), values=values_of(hit.shown),
        fields=_fields(hit.evidence),
    )  # fmt: skip


def _fields(evidence: Explanation) -> list[EvidenceSaid]:
    return [EvidenceSaid(field=one.field, level=one.level, bits=one.bits) for one in evidence.fields]
