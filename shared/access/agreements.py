"""Information sharing agreements as files (``agreements/<name>.yaml``): the nine elements of a protocol, checked.

Source of the elements: the ICO's data sharing code of practice.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts import Kind
from shared.initiatives import Text

FactType = Literal["number", "boolean", "string", "date"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Partner(_Part):
    name: str = Field(pattern=r"^[a-z0-9-]+$")
    controller: str


class LawfulBasis(_Part):
    article: str
    gateway: str


class Quota(_Part):
    events_per_minute: int = Field(gt=0)


class Recipient(_Part):
    """A role that may see these fields for this purpose."""

    role: str
    purpose: str
    fields: frozenset[str]


class EventType(_Part):
    """The exact fields of one type of event, by subject, and its facts with their types."""

    person: frozenset[str] | None = None
    place: frozenset[str] | None = None
    organisation: frozenset[str] | None = None
    facts: dict[str, FactType] = {}

    def fields_of(self, kind: Kind) -> frozenset[str] | None:
        """``None`` when the type must not carry such a subject."""
        fields: frozenset[str] | None = getattr(self, kind.value)
        return fields


class Agreement(_Part):
    name: str
    title: Text
    partner: Partner
    source: str
    lawful_basis: LawfulBasis
    review_date: date
    ends: date
    retention_days: int = Field(gt=0)
    rights_contact: str
    quality: dict[str, str | float | int]
    security: str
    sanctions: str
    purposes: frozenset[str]
    linking: Literal["probabilistic", "deterministic"]
    events: dict[str, EventType]
    recipients: tuple[Recipient, ...]
    quota: Quota

    def in_force(self, on: date) -> bool:
        """The last day counts."""
        return on <= self.ends


class Agreements:
    """All agreements of a region."""

    def __init__(self, agreements: Iterable[Agreement]) -> None:
        self.by_name: Mapping[str, Agreement] = {agreement.name: agreement for agreement in agreements}

    @classmethod
    def load(cls, folder: Path) -> "Agreements":
        """Raises ``ValueError`` that names the file, the place in it and what is wrong there."""
        return cls(_read(path) for path in sorted(folder.glob("*.yaml")))

    def of_partner(self, partner: str) -> list[Agreement]:
        return self._by_partner.get(partner, [])

    def covering(self, partner: str, event_type: str, on: date) -> Agreement | None:
        """The agreement by which a partner may publish this type today; one in force before one that has ended."""
        named = [a for a in self.of_partner(partner) if event_type in a.events]
        return max(named, key=lambda a: (a.in_force(on), a.ends), default=None)

    @cached_property
    def _by_partner(self) -> Mapping[str, list[Agreement]]:
        found: dict[str, list[Agreement]] = {}
        for agreement in self.by_name.values():
            found.setdefault(agreement.partner.name, []).append(agreement)
        return found


def _read(path: Path) -> Agreement:
    try:
        return Agreement.model_validate(yaml.safe_load(path.read_text()))
    except (yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"{path}: not a sharing agreement: {error}") from error
