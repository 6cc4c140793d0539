"""From judgements to verdicts: which of several events with one id counts, what a sender is told, what is counted."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.ingest.domain import Judgement
from shared.contracts import Kind
from shared.normal import Finding
from shared.normal.subjects import READERS

ACCEPTED, REJECTED, DUPLICATE, FINDING = "accepted", "rejected", "duplicate", "finding"

REFUSED = frozenset({"foreign_source", "not_in_agreement", "agreement_ended"})
"""Reasons by which a sender had no right to send; audit hears of each."""

OTHERS = "*"
_TYPE_IS_KNOWN = frozenset({"", "agreement_ended", "no_data", "nothing_to_link", "fact_type"})
_PARTS = frozenset({*Kind, "facts"})
_FIELDS = frozenset({"id", *(field for readers in READERS.values() for field in readers)})


@dataclass(frozen=True, slots=True)
class Post:
    """The judged events of one request, in its order. ``trace`` is a W3C traceparent."""

    partner: str
    judgements: Sequence[Judgement]
    trace: str


class Verdict(NamedTuple):
    """What the sender of an event is told. ``first`` is what a duplicate was when it came first."""

    id: str
    verdict: str
    first: str = ""
    reason: str = ""
    field: str = ""
    findings: Sequence[Finding] = ()


class Tally(NamedTuple):
    """What is counted together. ``type`` and ``field`` are "*" where they are a partner's invention."""

    partner: str
    type: str
    verdict: str
    reason: str
    field: str


Chosen = Mapping[UUID, tuple[str, Judgement]]
"""By receipt, whose event it is and the judgement that counts."""


def chosen(posts: Sequence[Post]) -> Chosen:
    """Of events with one id, come at the same time, the first that is accepted counts; else the first."""
    found: dict[UUID, tuple[str, Judgement]] = {}
    for post in posts:
        for judgement in post.judgements:
            receipt = judgement.receipt
            if receipt is not None and (
                receipt not in found or (judgement.body is not None and found[receipt][1].body is None)
            ):
                found[receipt] = post.partner, judgement
    return found


def settles(judgement: Judgement, counting: Chosen, new: Collection[UUID]) -> bool:
    """Whether this judgement decides what becomes of its event now: not a repetition of this or an earlier post."""
    receipt = judgement.receipt
    return receipt is None or (receipt in new and counting[receipt][1] is judgement)


def verdict(
    judgement: Judgement, counting: Chosen, new: Collection[UUID], accepted_before: Collection[UUID]
) -> Verdict:
    """What to say of one event: ``new`` are the receipts just taken in, ``accepted_before`` those taken in earlier."""
    receipt = judgement.receipt
    if receipt is None or settles(judgement, counting, new):
        kind = REJECTED if judgement.body is None else ACCEPTED
        return Verdict(judgement.id, kind, "", judgement.reason, judgement.field, judgement.findings)
    was_accepted = receipt in accepted_before or (receipt in new and counting[receipt][1].body is not None)
    if was_accepted:
        return Verdict(judgement.id, DUPLICATE, ACCEPTED)
    return Verdict(judgement.id, DUPLICATE, REJECTED, judgement.reason, judgement.field, judgement.findings)


def tallied(posts: Sequence[Post], verdicts: Sequence[Sequence[Verdict]]) -> Counter[Tally]:
    """The verdicts, and the findings of accepted events, counted."""
    counts: Counter[Tally] = Counter()
    for post, said in zip(posts, verdicts, strict=True):
        for judgement, one in zip(post.judgements, said, strict=True):
            event_type = judgement.type if judgement.reason in _TYPE_IS_KNOWN else OTHERS
            counts[Tally(post.partner, event_type, one.verdict, one.reason, one.field)] += 1
            if one.verdict == ACCEPTED:
                for finding in one.findings:
                    counts[Tally(post.partner, event_type, FINDING, finding.reason, _field(finding))] += 1
    return counts


def _field(finding: Finding) -> str:
    """A field's path in our words: what a partner put in the place of a name may be anything, about anybody."""
    part, dot, name = finding.field.removeprefix("data.").partition(".")
    if part not in _PARTS or finding.reason == "part_unknown":
        return f"data.{OTHERS}"
    return f"data.{part}{dot}{name if not dot or name in _FIELDS else OTHERS}"
