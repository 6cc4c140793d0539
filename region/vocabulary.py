"""What each partner of the region publishes: event types, the fields of each subject, the facts.

The files in ``agreements/`` say the same from the other side of the wire; a test holds the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FactKind = Literal["number", "boolean", "string", "date"]

PLACE = ("address", "town", "postcode", "uprn")
ORGANISATION = ("name", "company_number", "address", "town", "postcode", "uprn", "phone", "email")


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event: which fields of which subject it may carry, and its facts.

    The ``id`` of a subject is always allowed.
    """

    name: str
    person: tuple[str, ...]
    place: tuple[str, ...]
    organisation: tuple[str, ...]
    facts: Mapping[str, FactKind]


@dataclass(frozen=True, slots=True)
class Partner:
    """A body that publishes: its key name (also in the event's source) and its event types."""

    name: str
    events: tuple[EventType, ...]

    @property
    def source(self) -> str:
        """The CloudEvents source of everything this partner sends."""
        return f"/partners/{self.name}"


def _event(
    name: str,
    facts: str,
    person: tuple[str, ...] = (),
    place: tuple[str, ...] = (),
    organisation: tuple[str, ...] = (),
) -> EventType:
    """An event type; ``facts`` is written ``fact:kind fact:kind …``."""
    kinds: dict[str, FactKind] = {}
    for pair in facts.split():
        fact, _, kind = pair.partition(":")
        kinds[fact] = _KINDS[kind]
    return EventType(name, person, place, organisation, kinds)


_KINDS: Mapping[str, FactKind] = {"number": "number", "boolean": "boolean", "string": "string", "date": "date"}


def _fields(names: str) -> tuple[str, ...]:
    return tuple(names.split())


_PUPIL = _fields("given middle family sex birth_date address town postcode phone email reference")
_TENANT = _fields("given family birth_date address town postcode uprn phone mobile email nino")
_PAYER = _fields("name address town postcode uprn phone email")
_NOMINAL = _fields("given middle family sex birth_date birth_place address town postcode mobile vehicle occupation")
_OCCUPIER = _fields("name address town postcode uprn phone")
_CALLER = _fields("name sex birth_date address town postcode phone nhs_number")
_PATIENT = _fields("given middle family sex birth_date address town postcode phone mobile nhs_number")
_YOUTH = _fields("given middle family sex birth_date address town postcode mobile reference")
_CHILD = _fields("given family birth_family sex birth_date address town postcode uprn phone nhs_number reference")
_ADULT = _fields("given family birth_family sex birth_date address town postcode phone nhs_number nino")
_LICENSEE = _fields("name birth_date address town postcode mobile email vehicle")
_PROPRIETOR = ("name", "phone", "email")
_COMPLAINANT = _fields("name address postcode phone email")

PARTNERS: Mapping[str, Partner] = {
    partner.name: partner
    for partner in (
        Partner(
            "schools",
            (
                _event(
                    "education.enrolment.v1",
                    "school:string area:string year_group:number language:string free_meals:boolean"
                    " aln:boolean reason:string joined:date",
                    _PUPIL,
                ),
                _event(
                    "education.attendance.v1",
                    "week:date area:string sessions_possible:number sessions_missed:number"
                    " sessions_late:number unauthorised:number",
                    _PUPIL,
                ),
                _event("education.exclusion.v1", "days:number permanent:boolean reason:string", _PUPIL),
                _event("education.attainment.v1", "subject:string points:number expected:number", _PUPIL),
                _event("education.destination.v1", "offer:boolean kind:string", _PUPIL),
            ),
        ),
        Partner(
            "housing",
            (
                _event("housing.tenancy.v1", "role:string tenure:string started:date occupants:number", _TENANT, PLACE),
                _event("housing.arrears.v1", "role:string weeks:number amount:number notice:boolean", _TENANT, PLACE),
                _event("housing.repair.v1", "category:string damp:boolean priority:number", _TENANT, PLACE),
                _event("housing.move.v1", "role:string reason:string moved:date", _TENANT, PLACE),
            ),
        ),
        Partner(
            "council-tax",
            (
                _event(
                    "tax.account.v1",
                    "band:string occupants:number single_discount:boolean student_exempt:boolean opened:date",
                    _PAYER,
                    PLACE,
                ),
                _event("tax.arrears.v1", "months:number amount:number summons:boolean", _PAYER, PLACE),
            ),
        ),
        Partner(
            "police",
            (
                _event(
                    "police.incident.v1",
                    "category:string role:string domestic:boolean alcohol:boolean",
                    _NOMINAL,
                    PLACE,
                ),
                _event("police.missing.v1", "hours:number risk:string", _NOMINAL),
                _event("police.nuisance.v1", "category:string repeat:boolean", (), PLACE),
            ),
        ),
        Partner(
            "fire",
            (
                _event(
                    "fire.incident.v1",
                    "category:string accidental:boolean alarm_worked:boolean casualties:number",
                    (),
                    PLACE,
                ),
                _event(
                    "fire.visit.v1",
                    "alarms:number hoarding:boolean smoker:boolean mobility:boolean",
                    _OCCUPIER,
                    PLACE,
                ),
            ),
        ),
        Partner(
            "ambulance",
            (
                _event(
                    "ambulance.callout.v1",
                    "category:number fall:boolean conveyed:boolean minutes:number",
                    _CALLER,
                    PLACE,
                ),
            ),
        ),
        Partner(
            "hospital",
            (
                _event(
                    "hospital.attendance.v1",
                    "department:string injury:boolean alcohol:boolean self_harm:boolean",
                    _PATIENT,
                ),
                _event("hospital.appointment.v1", "specialty:string attended:boolean", _PATIENT),
                _event("hospital.admission.v1", "unplanned:boolean nights:number", _PATIENT),
            ),
        ),
        Partner(
            "youth-justice",
            (
                _event("justice.contact.v1", "kind:string attended:boolean", _YOUTH),
                _event("justice.outcome.v1", "kind:string weeks:number", _YOUTH),
            ),
        ),
        Partner(
            "childrens-social-care",
            (
                _event("children.referral.v1", "source:string category:string repeat:boolean", _CHILD),
                _event("children.plan.v1", "kind:string level:number started:date", _CHILD),
                _event("children.contact.v1", "kind:string seen:boolean", _CHILD),
            ),
        ),
        Partner(
            "adult-social-care",
            (
                _event("adults.referral.v1", "source:string need:string safeguarding:boolean", _ADULT),
                _event("adults.assessment.v1", "eligible:boolean carer:boolean", _ADULT),
                _event("adults.service.v1", "kind:string hours_week:number", _ADULT),
            ),
        ),
        Partner(
            "licensing",
            (
                _event("licensing.application.v1", "kind:string variation:boolean", _LICENSEE, PLACE, ORGANISATION),
                _event("licensing.hmo.v1", "occupants:number storeys:number licensed:boolean", _LICENSEE, PLACE),
                _event("licensing.taxi.v1", "kind:string renewed:date", _LICENSEE),
            ),
        ),
        Partner(
            "food-safety",
            (
                _event(
                    "food.inspection.v1",
                    "rating:number hygiene:number structure:number management:number follow_up:boolean",
                    _PROPRIETOR,
                    PLACE,
                    ORGANISATION,
                ),
                _event("food.complaint.v1", "category:string upheld:boolean", (), (), ORGANISATION),
            ),
        ),
        Partner(
            "trading-standards",
            (
                _event("trading.inspection.v1", "category:string breach:boolean", (), PLACE, ORGANISATION),
                _event("trading.complaint.v1", "category:string amount:number", _COMPLAINANT, (), ORGANISATION),
            ),
        ),
    )
}

EVENT_TYPES: Mapping[str, EventType] = {event.name: event for p in PARTNERS.values() for event in p.events}

# The agreement of this partner has ended: everything it sends must be refused.
EXPIRED = "trading-standards"
