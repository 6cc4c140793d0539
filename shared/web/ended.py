"""Sessions that are over before their time, as one replica knows of them.

The cookie alone says who somebody is, so signing out must be known wherever it might be shown again: it is said on the
bus (``jigsaw.sessions``), which every replica of every service follows from what is kept of it, longer than any session
lasts.

Invariants
    1. A session that is over here is over at once, and elsewhere as soon as it is heard; never again alive.
    2. What is remembered is bounded by time: nothing of it outlives the longest session.

Failures
    the bus is away            signed out here, said when it is back (outbox)
    our database is away       signed out here and in this browser; that it could not be said is logged, counted and
                               told to whoever asked
    we start without the bus   cookies are believed until it answers (shared/everywhere.py)
    a moment that is yet to come is named    now counts: nobody is locked out
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import inf

from shared.contracts.sessions import SessionsEnded
from shared.errors import Unavailable
from shared.telemetry import UNSAID, log
from shared.web.session import LONGEST, Session

Say = Callable[[SessionsEnded], Awaitable[None]]
TIDY = 60


class Ended:
    """``say``: tells all the others, durably; whoever has none has no others. ``clock``: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._tidied = clock, 0.0
        self._sessions: dict[str, float] = {}
        self._people: dict[str, float] = {}
        self.say: Say | None = None

    def is_over(self, session: Session) -> bool:
        """Whether it was ended by its own id, the issuer's, or with all of its person's."""
        by_id = session.id in self._sessions or session.login in self._sessions
        return by_id or session.started <= self._people.get(session.viewer.subject, -1)

    def hear(self, ended: SessionsEnded) -> None:
        """Some are over, as somebody says."""
        now = self._clock()
        until = min(ended.until.timestamp(), now)
        if until < now - LONGEST:
            return
        known, key = (self._sessions, ended.session) if ended.session else (self._people, ended.subject)
        known[key] = max(until, known.get(key, 0))
        if self._tidied < now - TIDY:
            self._tidied = now
            for some in (self._sessions, self._people):
                for old in [one for one, at in some.items() if at < now - LONGEST]:
                    del some[old]

    async def end(self, subject: str, session: str = "", until: float = inf) -> bool:
        """End a session, or all that a person had begun by then (Unix seconds; now); whether all others will hear."""
        until = min(self._clock(), until)
        ended = SessionsEnded(subject=subject, session=session, until=datetime.fromtimestamp(until, UTC))
        self.hear(ended)
        try:
            if self.say is not None:
                await self.say(ended)
        except Unavailable as error:
            UNSAID.inc()
            log().error("session.unsaid", because=str(error))
            return False
        return True
