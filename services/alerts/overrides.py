"""Break-glass: a practitioner opens another team's case in an emergency. No I/O, no clock.

Somebody has the child in front of them, and the case is another team's. They say why, and see it at once: to ask first
would take the minutes that count. A supervisor and the team are told meanwhile, and a person judges it afterwards.

Invariants
    1. An override is of one viewer (the issuer's subject) for one person: all their alerts, by whatever id linkage
       knows them. It follows a merge to the survivor, for it is the same child; it is read through ``redirects``, so
       which came first does not matter. As alerts do, it stays there when linkage splits the two again.
    2. It lifts the wall between teams and nothing else: role, purpose, agreements and withheld reasons stay. Who could
       see no team's alerts of that initiative cannot open one.
    3. It is for looking. To take on or close stays with the team: nobody may end, or be left with, a case that its
       keeper knows nothing of. In an emergency one acts on the child, not on the alert.
    4. It ends by itself, to the second. Asked again while it is open, nothing changes; afterwards it wants other words
       than the last time, so that a form that is sent again, or a page that is gone back to, opens nothing.
    5. Override, audit entry, line of the history, feed and mails are one transaction: what cannot be written down and
       told is not opened.
    6. Every look under it is audited with its reference, ``override:<id>``.
    7. It is kept for ever, with the verdict of a supervisor who is not the one who opened. A verdict is final, and "not
       justified" ends what is still open. When the person is erased, so are the words about them (reason and note), as
       in the history; that it happened, by whom and when, stays.

Failures
    PostgreSQL away, or no room in the outbox   nothing is opened and nothing shown (503): the form can be sent again
    sent twice, to two replicas                 writers take turns: the second finds the first's
    killed after the commit                     it is open, and another replica sends its mails
    mail server away                            the mails are tried again; open pages and the reviewers' queue show it
    nobody reviews it                           it has ended by itself; the oldest one's age is a metric, with an alarm
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from services.alerts.domain import Actor, Alert

OVERRIDES = UUID("7c0f6d52-98f1-5a4b-8f3e-2b9d1c7e4a60")
SHORTEST_REASON, LONGEST_REASON = 3, 500


class Verdict(StrEnum):
    """What a supervisor thinks of it."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


class Fault(StrEnum):
    """What is wrong with somebody's words."""

    SHORT = "short"
    LONG = "long"
    SAME = "same"


class Unworded(Exception):
    """Nothing was done, for want of words; ``fault`` says what is wrong with them, ``team`` whose the case is."""

    def __init__(self, fault: Fault, team: str = "") -> None:
        super().__init__(f"the words are too {fault}" if fault is not Fault.SAME else "the words are the last ones")
        self.fault, self.team = fault, team


class OwnOverride(Exception):
    """Nobody reviews what they opened themselves."""


class Reviewed(Exception):
    """There is another verdict already, and it is final."""


@dataclass(frozen=True, slots=True)
class Override:
    """``person`` is the entity's id when it was opened, ``alert`` the one through which; open before ``until``."""

    id: UUID
    alert: UUID
    person: UUID
    actor: str
    actor_name: str
    actor_team: str
    reason: str
    given_at: datetime
    until: datetime
    reviewer: str | None = None
    reviewer_name: str | None = None
    reviewed_at: datetime | None = None
    verdict: Verdict | None = None
    note: str = ""

    @property
    def reference(self) -> str:
        """What audit entries call it."""
        return f"override:{self.id}"

    def is_open(self, now: datetime) -> bool:
        return now < self.until


_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters, to Unicode, that show nothing."""


def worded(text: str) -> str:
    """Somebody's words on one line, without what no one can read (NUL, marks that turn the direction of a text).
    Raises ``Unworded``."""
    if len(text.replace("\r\n", "\n")) > LONGEST_REASON:  # a form sends two for one that its field has counted
        raise Unworded(Fault.LONG)
    seen = "".join(letter if letter.isprintable() and letter not in _BLANK else " " for letter in text)
    words = " ".join(seen.split())
    if len(words) < SHORTEST_REASON:
        raise Unworded(Fault.SHORT)
    return words


def give(
    alert: Alert, by: Actor, team: str, reason: str, before: Override | None, now: datetime, lasts: timedelta
) -> Override:
    """A new override; or ``before``, the actor's last for this person, while it is open. Raises ``Unworded``."""
    if before is not None and before.is_open(now):
        return before
    words = worded(reason)
    if before is not None and before.reason.casefold() == words.casefold():
        raise Unworded(Fault.SAME)
    id = uuid5(OVERRIDES, f"{by.id}/{alert.entity}/{now.isoformat()}")
    return Override(id, alert.id, alert.entity, by.id, by.name, team, words, now, now + lasts)


def review(override: Override, by: Actor, verdict: Verdict, note: str, now: datetime) -> Override:
    """The override with a verdict; as it was, when the reviewer gave this one already. Raises ``OwnOverride``,
    ``Reviewed`` or ``Unworded``."""
    if override.actor == by.id:
        raise OwnOverride
    if override.verdict is not None:
        if (override.verdict, override.reviewer) != (verdict, by.id):
            raise Reviewed
        return override
    until = min(override.until, max(now, override.given_at)) if verdict is Verdict.NOT_JUSTIFIED else override.until
    return replace(
        override, until=until, reviewer=by.id, reviewer_name=by.name, reviewed_at=now, verdict=verdict,
        note=worded(note),
    )  # fmt: skip
