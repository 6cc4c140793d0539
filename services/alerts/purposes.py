"""For which purpose, and under which agreements, an initiative's alerts are decided and shown."""

from datetime import date

from shared.access import Agreements
from shared.initiatives import Initiatives


class Purposes:
    """Looks them up in the files of both."""

    def __init__(self, initiatives: Initiatives, agreements: Agreements) -> None:
        self._initiatives, self._agreements = initiatives, agreements
        self._known: dict[tuple[str, date], str] = {}

    def of(self, initiative: str) -> str:
        """The purpose; the initiative's name, should the initiative be gone."""
        found = self._initiatives.by_name.get(initiative)
        return found.purpose if found else initiative

    def agreements(self, purpose: str, on: date) -> str:
        """The agreements in force that share data for a purpose: an alert may rest on any of them."""
        if (purpose, on) not in self._known:
            named = (a.name for a in self._agreements.by_name.values() if purpose in a.purposes and a.in_force(on))
            self._known[purpose, on] = ",".join(sorted(named))
        return self._known[purpose, on]

    @property
    def all(self) -> str:
        return ",".join(sorted(self._initiatives.purposes))
