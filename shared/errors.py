"""Whose fault it is. Anything that is neither of these is our bug."""


class PartnerError(ValueError):
    """The sender's: what was wrong (``reason``, a stable code), where (``field``) and what to do (``advice``)."""

    def __init__(self, reason: str, field: str, advice: str) -> None:
        super().__init__(f"{reason} at {field}: {advice}")
        self.reason, self.field, self.advice = reason, field, advice


class Unavailable(Exception):
    """Somebody else's: a part is away. Wait and try again; nothing is skipped."""


class Again(Unavailable):
    """Nothing is away, but what a transaction took for granted is not so: some of it was done before, or another
    replica has changed what it rests on. Begun again, it asks first."""
