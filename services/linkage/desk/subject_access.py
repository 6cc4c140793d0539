"""What linkage holds of one person, for the right of access (shared/web/subject_access.py): every record with its
values, the golden record, the agreements and who may see what under them, what is withheld, what stewards decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import HTTPException

from services.linkage.desk import words
from services.linkage.desk.viewing import Reception
from services.linkage.golden import golden_of
from services.linkage.purposes.seeing import seen_for
from services.linkage.purposes.terms import IDENTITY
from services.linkage.records import Kept
from services.linkage.rulings import Ruling
from services.linkage.store import LinkageStore, Resolved, StoredPart, Withheld
from shared.access import Agreements
from shared.contracts import Kind
from shared.crypto import unseal
from shared.web import N_, Language
from shared.web.subject_access import Held, Section, section, without
from shared.web.viewer import ROLES

LEFT_OUT = (
    N_("How close a record is to others, which may be other people's: numbers that find and compare records, made anew "
       "whenever they are needed. The records they are made of are all here."),
    N_("Which steward decided that records belong together; and of a decision about this person's and somebody else's "
       "record whose the other record is, and the steward's words, which may speak of them."),
    N_("For a day, which records and entities were touched at one time, by id: it shows how services keep in step."),
    N_("Of a record that was erased a number stays, so that it is not taken in again. It leads to nobody."),
    N_("Addresses and organisations that the person's records name are kept as records of their own, of no person."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whole:
    """One person: under which ids, with which records, living, withheld and in parts."""

    ids: Mapping[UUID, UUID | None]
    records: Sequence[Kept]
    withheld: Sequence[Withheld]
    parts: Sequence[StoredPart]

    @property
    def own(self) -> set[UUID]:
        """The ids of all the person's records."""
        return {one.id for one in self.records} | {one.id for one in self.withheld}

    @property
    def all_ids(self) -> list[UUID]:
        """Every id under which anything can be kept of the person: entities, parts, records."""
        return [*{*self.ids, *(part.id for part in self.parts), *self.own}]


class Holding:
    """Reads one person whole. ``sealing_key`` opens what is withheld: what is kept is held, whoever may see it."""

    def __init__(self, agreements: Agreements, reception: Reception, sealing_key: bytes) -> None:
        self._agreements, self._reception, self._sealing_key = agreements, reception, sealing_key

    async def __call__(self, store: LinkageStore, asked: Sequence[UUID], spoken: Language) -> Held:
        """Raises 422 for what is no person, or more than one."""
        whole = await self._whole(store, asked)
        if not (whole.records or whole.withheld):
            return Held(service="linkage", ids=whole.all_ids or list(asked), erased=bool(whole.ids))
        decided = await store.rulings_about(whole.own)
        erased_once = await store.suppressed(whole.own)
        under = sorted({one.agreement for one in whole.records} | {one.agreement for one in whole.withheld})
        sections = [
            *_references(whole, spoken),
            *self._agreed(under, spoken),
            *self._records(whole, spoken),
            *_golden(whole.records, spoken),
            *self._withheld(whole.withheld, spoken),
            *self._parts(whole, spoken),
            *_decisions(decided, whole.own, spoken),
            *section(
                "erasures", spoken.gettext("Erased before"),
                spoken.gettext("These records were erased once. Later dealings brought them back, from then on."),
                {"record": spoken.gettext("Record"), "ground": spoken.gettext("Why"), "at": spoken.gettext("When")},
                ({"record": id, "ground": words.ground(one.ground, spoken), "at": one.at}
                 for id, one in erased_once.items()),
            ),
        ]  # fmt: skip
        left_out = [spoken.gettext(sentence) for sentence in LEFT_OUT]
        return Held(service="linkage", ids=whole.all_ids, sections=sections, left_out=left_out, agreements=under)

    async def _whole(self, store: LinkageStore, asked: Sequence[UUID]) -> Whole:
        living = await seen_for(store, IDENTITY, asked)
        ended = await store.resolve(asked)
        found: dict[UUID, Resolved] = {one.entity: one for one in (*ended.values(), *living.values())}
        if len(found) > 1:
            raise HTTPException(422, f"These are references of {len(found)} people: ask for one person at a time.")
        if any(one.kind is not Kind.PERSON for one in found.values()):
            raise HTTPException(422, "This reference is of no person: the right of access is a person's.")
        ids = await store.known_as(found)
        records = await store.members({record for one in found.values() for record in one.members})
        withheld = await store.withheld_of(ids)
        parts = await store.parts_with(ids, {one.id for one in records})
        return Whole(ids, sorted(records, key=lambda one: (one.partner, one.id)), withheld, parts)

    def _agreed(self, under: Iterable[str], spoken: Language) -> list[Section]:
        _ = spoken.gettext
        labels = {
            "controller": _("From"), "title": _("Agreement"), "basis": _("Lawful basis"),
            "gateway": _("By which law it may be shared"), "purposes": _("What for"),
            "recipients": _("Who may see it"), "kept_days": _("Kept, in days"),
            "contact": _("Whom to ask to have it put right, erased or restricted"),
        }  # fmt: skip
        rows = [
            {
                "agreement": one.name, "controller": one.partner.controller, "title": self._title(one.name, spoken),
                "basis": one.lawful_basis.article, "gateway": one.lawful_basis.gateway,
                "purposes": [self._reception.title(purpose, spoken) for purpose in sorted(one.purposes)],
                "recipients": sorted({_(ROLES.get(who.role, who.role)) for who in one.recipients}),
                "kept_days": one.retention_days, "contact": one.rights_contact,
            }
            for name in under
            if (one := self._agreements.by_name.get(name))
        ]  # fmt: skip
        about = _("From whom the records are, why they may be here, who may see them and how long they are kept.")
        return section("agreements", _("Where it comes from, and on what terms"), about, labels, rows)

    def _records(self, whole: Whole, spoken: Language) -> list[Section]:
        _ = spoken.gettext
        records = [
            {"record": one.id, "partner": one.partner, "from": self._controller(one.agreement, one.partner),
             "agreement": self._title(one.agreement, spoken), "seen": one.seen}
            for one in whole.records
        ]  # fmt: skip
        values = [
            {**_value(one.id, field, value, spoken), "said": datetime.fromtimestamp(one.confirmed[field], UTC)}
            for one in whole.records
            for field, value in sorted(one.identity.items())
        ]
        return [
            *section(
                "records", _("Records"),
                _("Each is what one partner says of the person, under a number of its own."),
                {"record": _("Record"), "from": _("From"), "agreement": _("Agreement"),
                 "seen": _("Described last")}, records,
            ),
            *section(
                "values", _("What the records say"), _("Each value as it is held, in every record."),
                {"record": _("Record"), "what": _("What"), "words": _("Value"), "said": _("Said last")},
                values,
            ),
        ]  # fmt: skip

    def _withheld(self, withheld: Iterable[Withheld], spoken: Language) -> list[Section]:
        _ = spoken.gettext
        rows = []
        for one in withheld:
            __, partner, *__, identity, __ = orjson.loads(unseal(self._sealing_key, one.sealed, one.id.bytes))
            origin = {"from": self._controller(one.agreement, partner), "until": one.until}
            rows += [{**_value(one.id, field, value, spoken), **origin} for field, value in sorted(identity.items())]
        labels = {"record": _("Record"), "from": _("From"), "what": _("What"), "words": _("Value"),
                  "until": _("Kept until")}  # fmt: skip
        about = _("The agreement has ended. Nobody sees these records and nothing is done with them; then they go.")
        return section("withheld", _("Kept under seal"), about, labels, rows)

    def _parts(self, whole: Whole, spoken: Language) -> list[Section]:
        _, own = spoken.gettext, whole.own
        rows = [
            {"part": one.id, "purpose": self._reception.title(one.purpose, spoken), "living": one.living,
             "records": [record for record in one.members if record in own]}
            for one in whole.parts
        ]  # fmt: skip
        about = _("For some purposes only some of the records may be joined: there the person is seen as several.")
        labels = {"part": _("Reference"), "purpose": _("What for"), "living": _("Still so"),
                  "records": _("Records")}  # fmt: skip
        return section("parts", _("Seen as several"), about, labels, rows)

    def _title(self, agreement: str, spoken: Language) -> str:
        found = self._agreements.by_name.get(agreement)
        return found.title.of(spoken.code) if found else agreement

    def _controller(self, agreement: str, partner: str) -> str:
        found = self._agreements.by_name.get(agreement)
        return found.partner.controller if found else partner


def _references(whole: Whole, spoken: Language) -> list[Section]:
    _ = spoken.gettext
    rows = [{"reference": id, "leads_to": into} for id, into in whole.ids.items()]
    about = _("The person is a number here. Numbers of records that turned out to be of one person lead to one.")
    labels = {"reference": _("Reference"), "leads_to": _("Leads to")}
    return section("references", _("Under which references"), about, labels, rows)


def _golden(records: Sequence[Kept], spoken: Language) -> list[Section]:
    _ = spoken.gettext
    rows = [
        {**_value(one.record, field, one.value, spoken), "because": _(words.BECAUSE[one.because]), "said": one.at}
        for field, one in golden_of(records).items()
    ]
    labels = {"what": _("What"), "words": _("Value"), "record": _("From the record"),
              "said": _("Said last"), "because": _("Why this one")}  # fmt: skip
    about = _("What is shown of the person to those who may see it: of what the records say, the likeliest.")
    return section("golden", _("What is believed"), about, labels, rows)


def _decisions(
    decided: Mapping[tuple[UUID, UUID], Ruling], own: set[UUID], spoken: Language
) -> list[Section]:  # fmt: skip
    """Of a decision about somebody else's record too: that there was one, and what it was."""
    _ = spoken.gettext
    rows = [
        {"records": [id for id in pair if id in own], "verdict": one.verdict, "words": words.rule(one.verdict, spoken),
         "at": one.at, "reason": without(one.reason, [one.by]) if own.issuperset(pair) else None}
        for pair, one in decided.items()
    ]  # fmt: skip
    labels = {"records": _("Records"), "words": _("What"), "at": _("When"), "reason": _("Reason")}
    about = _("A data steward decides where records are doubtful. One with a single record is about another's too.")
    return section("decisions", _("Decisions about records"), about, labels, rows, "reason")


def _value(record: UUID, field: str, value: str, spoken: Language) -> dict[str, Any]:
    return {"record": record, "field": field, "value": value, "what": words.field(field, spoken),
            "words": words.value(field, value, spoken)}  # fmt: skip
