"""``jigsaw.sessions``: who is signed out before a session's time is over."""

from pydantic import AwareDatetime

from shared.contracts.envelope import Contract


class SessionsEnded(Contract):
    """Sessions of a person (``subject``, at the issuer) that are over: the one of this id, ours or the issuer's; if it
    is empty, all that began until a moment."""

    subject: str
    session: str
    until: AwareDatetime
