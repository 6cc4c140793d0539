"""For which purpose, and under which agreements, an initiative's alerts are decided and shown."""

from collections.abc import Mapping
from datetime import date

from shared.access import Agreements, decide, shows_reason
from shared.initiatives import Initiatives


class Purposes:
    """Looks them up in the files of both."""

    def __init__(self, initiatives: Initiatives, agreements: Agreements) -> None:
        self._initiatives, self._agreements = initiatives, agreements
        self._known: dict[tuple[str, date], str] = {}
        self._seen: dict[tuple[str, date], Mapping[str, frozenset[str]]] = {}

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

    def features(self, role: str, on: date) -> Mapping[str, frozenset[str]]:
        """The initiatives whose alerts a role may see, each with the features that may be shown as reasons: those of
        whose facts an agreement in force lets the role see one, for the initiative's purpose."""
        if (role, on) not in self._seen:
            self._seen[role, on] = {
                one.name: frozenset(
                    f.name for f in one.statement.data.features if shows_reason(self._agreements, decision, f)
                )
                for one in self._initiatives
                if (decision := decide(self._agreements, role, one.purpose, on)).allowed
            }
        return self._seen[role, on]

    @property
    def all(self) -> str:
        return ",".join(sorted(self._initiatives.purposes))
