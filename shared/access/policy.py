"""What a viewer may see. The agreements are the policy: no rule is written anywhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from shared.access.agreements import Agreements


@dataclass(frozen=True)
class Decision:
    """``fields`` that may be shown, by the agreement that allows each; empty means refused."""

    role: str
    purpose: str
    fields: Mapping[str, frozenset[str]]

    @property
    def allowed(self) -> bool:
        return bool(self.fields)

    def shows(self, agreement: str, field: str) -> bool:
        """May a value that came in under ``agreement`` be shown?"""
        return field in self.fields.get(agreement, frozenset())


def decide(agreements: Agreements, roles: Sequence[str], purpose: str, on: date) -> Decision:
    """Field by field: a value may be shown when its own agreement, in force, names the role and the purpose."""
    fields: dict[str, frozenset[str]] = {}
    for agreement in agreements.by_name.values():
        if agreement.in_force(on):
            granted = [r.fields for r in agreement.recipients if r.role in roles and r.purpose == purpose]
            if granted:
                fields[agreement.name] = frozenset().union(*granted)
    return Decision(",".join(roles), purpose, fields)
