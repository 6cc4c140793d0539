"""Is an event valid, covered by an agreement, in normal form? One event in, one judgement out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from services.ingest.reasons import REJECTIONS
from shared.access import Agreement, Agreements
from shared.contracts import Kind, Record, RecordsAccepted, record_id, without_id
from shared.contracts.records import Fact
from shared.errors import PartnerError
from shared.ids import id_of
from shared.normal import LINKING, Finding, normalise
from shared.normal.dates import calendar_date
from shared.normal.text import clean

AHEAD = timedelta(minutes=5)
BEHIND = timedelta(days=5 * 366)
LONGEST = 200
MOST_FINDINGS = 50
"""Reported of one event; a sender of more has one problem, not many."""
LONGEST_NAME = 100
"""Of what a finding repeats of a sender's own words, to that sender."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """A partner that has shown its key; the CloudEvents sources that are its own; its events a minute."""

    partner: str
    sources: frozenset[str]
    quota: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What an agreement says of one event type on one day."""

    agreement: str
    in_force: bool
    purposes: list[str]
    fields: Mapping[str, frozenset[str] | None]
    facts: Mapping[str, str]


@dataclass
class Rules:
    """Every partner's rules, looked up once a day and event type: agreements change with a release."""

    agreements: Agreements
    _day: date = date.min
    _known: dict[tuple[str, str], Rule] = field(default_factory=dict)

    def of(self, partner: str, event_type: str, today: date) -> Rule | None:
        """``None`` when no agreement of the partner names the type."""
        if today != self._day:
            self._day, self._known = today, {}
        rule = self._known.get((partner, event_type))
        if rule is None and (agreement := self.agreements.covering(partner, event_type, today)):
            rule = self._known[partner, event_type] = _rule(agreement, event_type, today)
        return rule


def _rule(agreement: Agreement, event_type: str, today: date) -> Rule:
    named = agreement.events[event_type]
    return Rule(
        agreement.name, agreement.in_force(today), sorted(agreement.purposes),
        {kind.value: named.fields_of(kind) for kind in Kind}, named.facts,
    )  # fmt: skip


class Judgement(NamedTuple):
    """What ingest makes of one event. ``body`` when it is accepted; else ``reason`` and the ``field`` it is about.

    ``receipt`` is the same whenever the same event is judged: a function of its source and id, ``None`` when it has
    no readable ones, or the source is another's.
    """

    receipt: UUID | None
    id: str
    type: str
    body: RecordsAccepted | None = None
    reason: str = ""
    field: str = ""
    findings: Sequence[Finding] = ()


def receipt_of(source: str, id: str) -> UUID:
    """The receipt of an event; CloudEvents holds source and id together to be unique."""
    return id_of(source, id)


def judge(event: object, sender: Sender, rules: Rules, now: datetime) -> Judgement:
    """The judgement of one event.

    Never raises, whatever was sent. Nothing of the data of a rejected event is in its judgement.
    """
    receipt, id, event_type = None, "", ""
    findings: list[Finding] = []
    try:
        if not isinstance(event, dict):
            _reject("not_an_event", "")
        id = _attribute(event, "id")
        source = _attribute(event, "source")
        if source not in sender.sources:
            _reject("foreign_source", "source")
        receipt = receipt_of(source, id)
        event_type = _attribute(event, "type")
        if event.get("specversion") != "1.0":
            _reject("specversion" if "specversion" in event else "missing", "specversion")
        occurred = _time(_attribute(event, "time"), now)
        rule = rules.of(sender.partner, event_type, now.date())
        if rule is None or not rule.in_force:
            _reject("agreement_ended" if rule else "not_in_agreement", "type")
        data = event.get("data")
        if not isinstance(data, dict):
            _reject("no_data", "data")
        records = _records(data, sender.partner, without_id(source, id), rule, now.date(), findings)
        facts = _facts(data.get("facts"), rule.facts, findings)
        body = RecordsAccepted(
            partner=sender.partner, agreement=rule.agreement, type=event_type, occurred=occurred,
            purposes=rule.purposes, records=records, facts=facts,
        )  # fmt: skip
        return Judgement(receipt, id, event_type, body, findings=findings[:MOST_FINDINGS])
    except PartnerError as error:
        return Judgement(receipt, id, event_type, None, error.reason, error.field, findings[:MOST_FINDINGS])


def _reject(reason: str, where: str) -> NoReturn:
    raise PartnerError(reason, where, REJECTIONS[reason])


def _attribute(event: Json, name: str) -> str:
    value = event.get(name)
    if value is None or value == "":
        _reject("missing", name)
    if not isinstance(value, str):
        _reject("not_text", name)
    if len(value) > LONGEST:
        _reject("too_long", name)
    if not value.isprintable():
        _reject("hidden_characters", name)
    return value


def _time(text: str, now: datetime) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        _reject("time_unreadable", "time")
    if time.tzinfo is None:
        _reject("time_unreadable", "time")
    if time > now + AHEAD:
        _reject("time_in_future", "time")
    if time < now - BEHIND:
        _reject("time_too_old", "time")
    return time.astimezone(UTC)


def _records(data: Json, partner: str, unnamed: str, rule: Rule, today: date, findings: list[Finding]) -> list[Record]:
    """The subjects that the agreement names and that can be recognised. None at all rejects the event."""
    records = []
    for part, value in data.items():
        allowed = rule.fields.get(part)
        if allowed is not None and isinstance(value, dict):
            record = _record(Kind(part), value, partner, unnamed, allowed, today, findings)
            if record is not None:
                records.append(record)
        elif part != "facts" and value is not None:
            reason = "not_an_object" if allowed is not None else "subject_not_in_agreement"
            findings.append(_dropped(part, reason if part in rule.fields else "part_unknown"))
    if not records:
        _reject("nothing_to_link", "data")
    return records


def _record(
    kind: Kind,
    subject: Json,
    partner: str,
    unnamed: str,
    allowed: frozenset[str],
    today: date,
    findings: list[Finding],
) -> Record | None:
    fields = {}
    for name, value in subject.items():
        if isinstance(value, str) and name in allowed:
            fields[name] = value
        elif value is None or name == "id":
            continue
        elif name not in allowed:
            findings.append(_dropped(f"{kind.value}.{name}", "field_not_in_agreement"))
        elif (text := _as_text(value)) is not None:
            fields[name] = text
        else:
            findings.append(Finding(f"data.{kind.value}.{name}", "field_not_text"))
    identity, found = normalise(kind, fields, today)
    findings += [Finding(f"data.{kind.value}.{name}", reason) for name, reason in found]
    if LINKING[kind].isdisjoint(identity):
        findings.append(Finding(f"data.{kind.value}", "subject_unrecognisable"))
        return None
    local_id = _local_id(kind, subject.get("id"), findings)
    called = local_id or (unnamed if kind is Kind.PERSON else _described(identity))
    return Record(id=record_id(partner, kind, called), kind=kind, identity=identity)


def _described(identity: Mapping[str, str]) -> str:
    """What stands for the local id of a place or an organisation that the partner has none for: what is said of it, so
    that one to which an ambulance goes each day is one record."""
    return "".join(f"\n{name}={identity[name]}" for name in sorted(identity))


def _local_id(kind: Kind, value: object, findings: list[Finding]) -> str:
    """What the partner calls the subject; "" when it does not say, or not in a way that could be kept."""
    text = _as_text(value)
    if text is not None and len(text) <= LONGEST and text.isprintable():
        return text.strip()
    if value is not None:
        findings.append(Finding(f"data.{kind.value}.id", "field_not_text" if text is None else "hidden_characters"))
    return ""


def _as_text(value: object) -> str | None:
    """Text, or a number that a spreadsheet made of it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else None


def _facts(facts: object, types: Mapping[str, str], findings: list[Finding]) -> dict[str, Fact]:
    """The facts that the agreement names. One of another type rejects the event: its sender means something else.

    A date that is written in another way than ours is read; one that is none is of another type.
    """
    if facts is None:
        return {}
    if not isinstance(facts, dict):
        findings.append(Finding("data.facts", "not_an_object"))
        return {}
    kept: dict[str, Fact] = {}
    for name, value in facts.items():
        if value is None:
            continue
        named = types.get(name)
        if named is not None:
            read = FACTS[named](value)
            if read is None:
                _reject("fact_type", f"data.facts.{name}")
            kept[name] = read
        else:
            findings.append(_dropped(f"facts.{name}", "field_not_in_agreement"))
    return kept


def _dropped(path: str, reason: str) -> Finding:
    """About a name that is the sender's, so it may be of any length and hold what no terminal should be sent."""
    shown = path if len(path) <= LONGEST_NAME else f"{path[:LONGEST_NAME]}…"
    if not shown.isprintable():
        shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)
    return Finding(f"data.{shown}", reason)


def _number(value: object) -> Fact | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) else None


def _boolean(value: object) -> Fact | None:
    return value if isinstance(value, bool) else None


def _string(value: object) -> Fact | None:
    return clean(value)[0] if isinstance(value, str) and len(value) <= LONGEST else None


def _date(value: object) -> Fact | None:
    return calendar_date(value)[0] or None if isinstance(value, str) and len(value) <= LONGEST else None


FACTS: Mapping[str, Callable[[object], Fact | None]] = {
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "date": _date,
}
"""How a fact of each type that an agreement can name is read; ``None`` when it is not of that type."""
