"""What a viewer may see. The agreements are the policy: no rule is written anywhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.access.agreements import Agreements
from shared.initiatives import Feature


@dataclass(frozen=True)
class Decision:
    """``fields`` that may be shown, by the agreement that allows each; empty means refused."""

    purpose: str
    fields: Mapping[str, frozenset[str]]

    @property
    def allowed(self) -> bool:
        return bool(self.fields)

    def shows(self, agreement: str, field: str) -> bool:
        """May a value that came in under ``agreement`` be shown?"""
        return field in self.fields.get(agreement, frozenset())


def decide(agreements: Agreements, role: str, purpose: str, on: date) -> Decision:
    """Field by field: a value may be shown when its own agreement, in force, names the role and the purpose."""
    fields: dict[str, frozenset[str]] = {}
    for agreement in agreements.by_name.values():
        if agreement.in_force(on):
            granted = [r.fields for r in agreement.recipients if r.role == role and r.purpose == purpose]
            if granted:
                fields[agreement.name] = frozenset().union(*granted)
    return Decision(purpose, fields)


def shows_reason(agreements: Agreements, decision: Decision, feature: Feature) -> bool:
    """May a feature be shown as the reason of a score? When an agreement's events bring a fact that it is made of, and
    the decision shows that fact under that agreement. A feature that names no fact (a count) is made of all they bring.
    """
    made_of = {name for name in (feature.fact, feature.over, *feature.where) if name}
    return any(
        decision.shows(agreement.name, fact)
        for agreement in agreements.by_name.values()
        for event in feature.events
        if event in agreement.events
        for fact in agreement.events[event].facts
        if not made_of or fact in made_of
    )
