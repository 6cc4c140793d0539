"""Who an alert is about, asked of linkage on behalf of the person at the screen. Names live there and nowhere else.

When linkage is away, alerts are shown by their reference: a queue without names is still a queue.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from time import monotonic
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from services.alerts import metrics
from services.alerts.domain import Alert
from shared.initiatives import Initiatives
from shared.telemetry import log
from shared.web import Viewer, service_token

TIMEOUT = httpx.Timeout(2.0, connect=0.5)
LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8)
REST = 3.0
"""Seconds in which linkage is not asked again after it did not answer, so that pages do not all wait for it."""


@dataclass(frozen=True, slots=True)
class Person:
    """As linkage's golden record has them; a field is empty when it is not known, or not for this viewer."""

    name: str = ""
    born: date | None = None
    postcode: str = ""
    refused: bool = False

    def age(self, today: date) -> int | None:
        """In whole years."""
        if self.born is None:
            return None
        return today.year - self.born.year - ((today.month, today.day) < (self.born.month, self.born.day))

    @property
    def district(self) -> str:
        """The first half of the postcode ("NW1" of "NW1 0AA"): where, without the door."""
        return self.postcode.split(" ")[0] if " " in self.postcode else ""


@dataclass(frozen=True)
class Names:
    """The people of some alerts. ``away``: linkage did not answer for all of them."""

    people: Mapping[UUID, Person] = field(default_factory=dict)
    away: bool = False

    def of(self, alert: Alert) -> Person:
        return self.people.get(alert.entity, Person())


class _Golden(BaseModel):
    values: dict[str, str]
    refused: bool


class _Answer(BaseModel):
    entities: dict[UUID, _Golden]


class Linkage:
    """The client. ``key`` is JIGSAW_SESSION_KEY."""

    def __init__(self, address: str, key: str, initiatives: Initiatives) -> None:
        self._key, self._initiatives = key, initiatives
        self._client = httpx.AsyncClient(base_url=address, timeout=TIMEOUT, limits=LIMITS, trust_env=False)
        self._rests_until = 0.0
        self._asking: dict[tuple[Viewer, str, tuple[UUID, ...]], asyncio.Task[dict[UUID, Person] | None]] = {}

    async def names(self, alerts: Iterable[Alert], viewer: Viewer) -> Names:
        """The people of these alerts, as far as each initiative's purpose lets the viewer know them. Never fails."""
        by_purpose: defaultdict[str, set[UUID]] = defaultdict(set)
        for alert in alerts:
            initiative = self._initiatives.by_name.get(alert.initiative)
            by_purpose[initiative.purpose if initiative else alert.initiative].add(alert.entity)
        people: dict[UUID, Person] = {}
        for purpose, entities in by_purpose.items():
            found = await self._asked(viewer, purpose, tuple(sorted(entities)))
            if found is None:
                return Names(people, away=True)
            people |= found
        return Names(people)

    async def _asked(self, viewer: Viewer, purpose: str, entities: tuple[UUID, ...]) -> dict[UUID, Person] | None:
        """Pages of one person that ask the same at the same moment ask once."""
        key = (viewer, purpose, entities)
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._ask(viewer, purpose, entities))
            self._asking[key].add_done_callback(lambda _: self._asking.pop(key))
        return await asyncio.shield(self._asking[key])

    async def _ask(self, viewer: Viewer, purpose: str, entities: tuple[UUID, ...]) -> dict[UUID, Person] | None:
        if monotonic() < self._rests_until:
            return None
        token = service_token(self._key, "linkage", viewer, caller="alerts", purpose=purpose)
        body = {"entities": [str(entity) for entity in entities], "purpose": purpose}
        try:
            answer = await self._client.post("/linkage/golden", json=body, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code == HTTPStatus.FORBIDDEN:
                return dict.fromkeys(entities, Person(refused=True))
            answer.raise_for_status()
            return {id: _person(one) for id, one in _Answer.model_validate_json(answer.content).entities.items()}
        except (httpx.HTTPError, ValidationError) as error:
            metrics.NAMES_AWAY.inc()
            self._rests_until = monotonic() + REST
            log().warning("names.away", error=type(error).__name__)
            return None


def _person(golden: _Golden) -> Person:
    values = golden.values
    name = values.get("name") or " ".join(values[part] for part in ("given", "family") if part in values)
    return Person(name, _date(values.get("birth_date", "")), values.get("postcode", ""), golden.refused)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
