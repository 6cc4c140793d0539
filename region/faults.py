"""What goes wrong on the way: events sent twice, parts too many, and events that must be refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from region.events import Event, Expected
from region.vocabulary import EVENT_TYPES

_EXTRA_FIELDS = (
    ("ethnicity", "A1"),
    ("religion", "none"),
    ("nickname", "Taff"),
    ("notes", "see file"),
    ("photo", "yes"),
)
_EXTRA_FACTS = (("comment", "parents spoken to"), ("officer", "1182"), ("free_text", "rang twice, no answer"))
_OTHER_TYPES = ("education.detention.v1", "police.intelligence.v1", "hospital.diagnosis.v1", "tax.income.v1")
_UNREADABLE_TIMES = ("yesterday", "05/01/2026 09:30", "2026-01-05", "2026-13-45T10:00:00Z", "2026-01-05T09:30:00")


def again(rng: Random, event: Event) -> Event:
    """The same event once more, some minutes or days later."""
    wait = timedelta(minutes=rng.uniform(0.1, 60)) if rng.random() < 0.7 else timedelta(days=rng.uniform(0.1, 3))
    return replace(event, sent=event.sent + wait)


def surplus(rng: Random, event: Event) -> tuple[Event, Expected]:
    """With a field or fact that no agreement covers: that part must be dropped."""
    data = {part: dict(fields) for part, fields in _data(event).items()}
    part = "facts" if rng.random() < 0.5 else next(part for part in data if part != "facts")
    name, value = rng.choice(_EXTRA_FACTS if part == "facts" else _EXTRA_FIELDS)
    data[part][name] = value
    return replace(event, data=data), Expected("accepted", dropped=(f"data.{part}.{name}",))


def faulty(rng: Random, event: Event, id: str) -> tuple[Event, Expected]:
    """A near copy under an id of its own that must be refused, and why."""
    reason, spoil = rng.choices(_FAULTS, _WEIGHTS)[0]
    spoilt = spoil(rng, replace(event, id=id, sent=event.sent + timedelta(seconds=rng.uniform(1, 600))))
    return spoilt, Expected("rejected", reason)


def _data(event: Event) -> Mapping[str, Mapping[str, Any]]:
    assert isinstance(event.data, dict)
    return event.data


def _unknown_type(rng: Random, event: Event) -> Event:
    mine = event.type.split(".")[0]
    return replace(event, type=rng.choice([other for other in _OTHER_TYPES if not other.startswith(mine)]))


def _future(rng: Random, event: Event) -> Event:
    """Ten years ahead: a slip in the year, and in the future whenever it is sent."""
    return replace(
        event, time=f"{int(event.time[:4]) + rng.choice((10, 20, 70))}{event.time[4:].replace('-02-29', '-02-28')}"
    )


def _nobody(rng: Random, event: Event) -> Event:
    """Nothing in it says who it is about."""
    nobody = {"sex": "F", "birth_date": "01/01/1900"} if rng.random() < 0.5 else {}
    return replace(event, data={"person": nobody, "facts": dict(_data(event)["facts"])})


def _wrong_type(rng: Random, event: Event) -> Event:
    """A fact in words where a number, a truth value or a date belongs."""
    facts = dict(_data(event)["facts"])
    typed = [name for name, kind in EVENT_TYPES[event.type].facts.items() if kind != "string" and name in facts]
    facts[rng.choice(typed)] = rng.choice(("lots", "n/k", "3 or 4"))
    return replace(event, data={**_data(event), "facts": facts})


def _not_an_object(rng: Random, event: Event) -> Event:
    return replace(event, data=rng.choice(("<xml/>", ["person"], "see attachment", 0)))


_KINDS: Sequence[tuple[int, str, Callable[[Random, Event], Event]]] = (
    (26, "not_in_agreement", _unknown_type),
    (14, "time_in_future", _future),
    (5, "time_too_old", lambda rng, event: replace(event, time="1970-01-01T00:00:00Z")),
    (12, "time_unreadable", lambda rng, event: replace(event, time=rng.choice(_UNREADABLE_TIMES))),
    (5, "missing", lambda rng, event: replace(event, time="")),
    (4, "missing", lambda rng, event: replace(event, type="")),
    (3, "missing", lambda rng, event: replace(event, id="")),
    (6, "no_data", lambda rng, event: replace(event, data=None)),
    (6, "no_data", _not_an_object),
    (5, "specversion", lambda rng, event: replace(event, specversion="0.3")),
    (14, "nothing_to_link", _nobody),
    (10, "fact_type", _wrong_type),
    (3, "foreign_source", lambda rng, event: replace(event, source="/partners/elsewhere")),
)
_FAULTS = [(reason, spoil) for _, reason, spoil in _KINDS]
_WEIGHTS = [weight for weight, _, _ in _KINDS]
