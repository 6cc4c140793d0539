"""Which kinds of subject are linked by rules, and by which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.linkage.ruled import businesses, premises
from services.linkage.ruled.labelling import Rule
from shared.contracts import Kind

SAME_NUMBER: Final = "same_number"


@dataclass(frozen=True, slots=True)
class Ruled:
    """How an identity is read, and the rules, the surest first."""

    read: Callable[[Mapping[str, str]], Any]
    rules: Sequence[Rule[Any]]

    def decided(self, left: Any, right: Any) -> str | None:
        """The rule by which two readings are of one; numbers outrank all rules."""
        if left.number and right.number:
            return SAME_NUMBER if left.number == right.number else None
        return next((rule.name for rule in self.rules if rule.holds(left, right)), None)


RULED: Final[Mapping[Kind, Ruled]] = {
    Kind.PLACE: Ruled(premises.premises, premises.RULES),
    Kind.ORGANISATION: Ruled(businesses.business, businesses.RULES),
}
