"""What ingest says to partners: a stable code for each reason, and what to do about it. Codes are never reused."""

from collections.abc import Mapping


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translated later"; the pages say these in Welsh
    return message


REJECTIONS: Mapping[str, str] = {
    "not_an_event": N_("Send a JSON object with the attributes of a CloudEvent."),
    "specversion": N_("Set specversion to 1.0, as text."),
    "missing": N_("Add the attribute; every event needs specversion, id, source, type, time and data."),
    "not_text": N_("Send text here."),
    "too_long": N_("Send at most 200 characters here."),
    "hidden_characters": N_("Remove control and formatting characters."),
    "time_unreadable": N_("Write the time as RFC 3339 does, with its zone: 2026-03-01T09:30:00Z."),
    "time_in_future": N_("Correct the time or your clock; it may be at most 5 minutes ahead of ours."),
    "time_too_old": N_("Send only what happened in the last 5 years."),
    "foreign_source": N_("Send each event with its own partner's key; your sources are in your agreements."),
    "fact_type": N_("Send this fact as the type that the agreement names: a number, true or false, text or a date."),
    "not_in_agreement": N_("Publish only the event types that your agreement names, or ask for it to be changed."),
    "agreement_ended": N_(
        "The agreement has ended. Publish again once it is renewed; the same events may be sent then."
    ),
    "no_data": N_("Put the subjects and the facts into data, as an object."),
    "nothing_to_link": N_(
        "Send at least one subject that can be recognised: a person by a name, a number, a telephone or an e-mail"
        " address; a place by an address, a postcode or a UPRN; an organisation by a name or a number."
    ),
}
"""Why an event was rejected."""

FINDINGS: Mapping[str, str] = {
    "field_not_in_agreement": N_("The field was dropped: your agreement does not name it. Stop sending it."),
    "subject_not_in_agreement": N_("The subject was dropped: your agreement does not name it for this event type."),
    "part_unknown": N_("This part of data was dropped: only person, place, organisation and facts are read."),
    "not_an_object": N_("This part was dropped: send an object of fields here."),
    "field_not_text": N_("The field was dropped: send text here."),
    "subject_unrecognisable": N_("The subject was dropped: nothing in it says who or what it is."),
    "too_long": N_("The field was dropped: it is too long to be what its name says."),
    "hidden_characters": N_("Hidden characters were removed. Remove them at the source."),
    "misencoded": N_("The text had been through a wrong character encoding and was put right. Export as UTF-8."),
    "placeholder": N_("A stand-in for an unknown value was dropped. Leave such fields out."),
    "repaired": N_("Letters in the place of digits, or the reverse, were put right."),
    "several_people": N_("The name is of more than one person; the first was taken. Send one event for each."),
    "date_unreadable": N_("The date was dropped: write it as 2026-03-01."),
    "date_incomplete": N_("The date is not whole: day, month and year are needed. What there is was kept."),
    "date_impossible": N_("There is no such day. The date was kept as given, to compare; put it right at the source."),
    "date_out_of_range": N_(
        "Nobody alive was born then. The date was kept as given, to compare; put it right at the source."
    ),
    "postcode_unreadable": N_("This is not a postcode; it was kept as given."),
    "phone_unreadable": N_("This is not a whole telephone number; it was kept as given."),
    "email_unreadable": N_("No e-mail address looks like this; it was kept as given where it has an @."),
    "nhs_number_unreadable": N_("The NHS number was dropped: it needs ten digits."),
    "check_digit": N_("The check digit is wrong, so a digit was mistyped. The number was kept, to compare."),
    "nino_unreadable": N_(
        "This National Insurance number is not whole, or was never given out; it was kept where it resembles one."
    ),
    "uprn_unreadable": N_("The UPRN was dropped: it has at most 12 digits."),
    "company_number_unreadable": N_("The company number was dropped: Companies House gives eight characters."),
    "vehicle_unreadable": N_("This is not a registration mark; it was kept as given."),
    "sex_unreadable": N_("The sex was dropped: send F, M or X."),
}
"""What happened to a field of an accepted event."""
