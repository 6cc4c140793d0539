"""One batch, judged: from what is kept and what was heard to what changes. Pure, so that a test can shuffle it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

from services.alerts.domain import Alert, Person, Rule, Step, decide, erased, forgotten, moved
from services.alerts.standing import Score, Standing, heard, redirected

Key = tuple[str, UUID]
"""Initiative and entity."""
UNHEARD = Standing()


@dataclass(frozen=True)
class Heard:
    """What a batch says: scores by initiative and entity, merges as (merged, survivor), who was erased, and of whom a
    record is no longer held. A merge may be said by linkage, by scoring, or by both."""

    scores: Sequence[tuple[Key, Score]] = ()
    said_merges: Sequence[tuple[UUID, UUID]] = ()
    erased: Sequence[UUID] = ()
    thinned: Sequence[UUID] = ()

    @cached_property
    def merges(self) -> list[tuple[UUID, UUID]]:
        return [*self.said_merges, *((key[1], score.into) for key, score in self.scores if score.into is not None)]

    @property
    def regroups(self) -> bool:
        """Whether alerts that have ended are touched too, which a score never does."""
        return bool(self.merges or self.erased or self.thinned)

    @property
    def entities(self) -> set[UUID]:
        """Everyone it names."""
        merging = (entity for pair in self.merges for entity in pair)
        return {*(entity for (_, entity), _ in self.scores), *merging, *self.erased, *self.thinned}


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of those a batch names, of the survivors they merged into and of all whom these took in.

    ``redirects`` lead straight to the survivor. ``alerts`` are by their present person; ended ones are wanted only of
    those who merge, are erased or lose a record.
    """

    redirects: Mapping[UUID, UUID] = field(default_factory=dict)
    erased: frozenset[UUID] = frozenset()
    standings: Mapping[Key, Standing] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be kept. ``steps`` are in their order; an alert may have several."""

    redirects: Mapping[UUID, UUID]
    erased: Sequence[UUID]
    standings: Mapping[Key, Standing]
    steps: Sequence[Step]


def judge(known: Known, said: Heard, rules: Mapping[str, Rule], now: datetime) -> Changes:
    """Raises ``LookupError`` for a score of an initiative that has no rule."""
    new = redirected(known.redirects, said.merges)
    people = _People({**known.redirects, **new}, known.erased | {*said.erased})
    standings = _standings(known.standings, said.scores, people, rules)
    alerts, steps = _settle_in(known.alerts, people, {people.of(entity) for entity in said.thinned}, now)
    for initiative, person in _touched(said, new, people, standings, rules):
        theirs = alerts.get((initiative, person), ())
        one = _person(person, rules[initiative], people, standings, theirs)
        decision = decide(one, now)
        steps += decision.steps
        if decision.standing is not one.standing:
            standings[initiative, person] = decision.standing
    changed = {key: one for key, one in standings.items() if one is not known.standings.get(key)}
    return Changes(new, people.erased_of(said.entities), changed, steps)


def person(known: Known, rule: Rule, entity: UUID) -> Person:
    """One person in one initiative, as kept."""
    theirs = [alert for alert in known.alerts if (alert.initiative, alert.entity) == (rule.initiative, entity)]
    return _person(entity, rule, _People(known.redirects, known.erased), known.standings, theirs)


def _person(
    entity: UUID, rule: Rule, people: "_People", standings: Mapping[Key, Standing], alerts: Sequence[Alert]
) -> Person:
    merged = [standings[key] for one in people.merged[entity] if (key := (rule.initiative, one)) in standings]
    return Person(entity, rule, standings.get((rule.initiative, entity), UNHEARD), merged, alerts)


class _People:
    """Who is who: from an id to the person it belongs to now, and back to the ids that were merged into a person."""

    def __init__(self, redirects: Mapping[UUID, UUID], erased: frozenset[UUID]) -> None:
        self._redirects, self._erased = redirects, erased
        self.merged: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for entity, into in redirects.items():
            self.merged[into].append(entity)

    def of(self, entity: UUID) -> UUID:
        return self._redirects.get(entity, entity)

    def gone(self, entity: UUID) -> bool:
        return bool(self._erased) and self.of(entity) in self._erased

    def erased_of(self, entities: Iterable[UUID]) -> list[UUID]:
        """Those of the entities that are erased, with everyone merged into them."""
        found = {self.of(entity) for entity in entities if self.gone(entity)}
        return sorted({*found, *(one for person in found for one in self.merged[person])})


def _standings(
    kept: Mapping[Key, Standing], scores: Iterable[tuple[Key, Score]], people: _People, rules: Mapping[str, Rule]
) -> dict[Key, Standing]:
    standings = dict(kept)
    for key, score in scores:
        if key[0] not in rules:
            raise LookupError(f"no initiative is named {key[0]!r} here: add its folder and start alerts again")
        if not people.gone(key[1]):
            standings[key] = heard(standings.get(key, UNHEARD), score, rules[key[0]].thresholds)
    return standings


def _settle_in(
    alerts: Iterable[Alert], people: _People, thinned: Collection[UUID], now: datetime
) -> tuple[dict[Key, list[Alert]], list[Step]]:
    """Each alert to the person it belongs to now; those of the erased emptied, as are the ended ones of who lost a
    record."""
    found: dict[Key, list[Alert]] = {}
    steps = []
    for alert in alerts:
        person = people.of(alert.entity)
        mine = [*moved([alert], person, now)]
        after = mine[-1].after if mine else alert
        mine += erased([after], now) if people.gone(person) else forgotten([after]) if person in thinned else []
        steps += mine
        found.setdefault((alert.initiative, person), []).append(mine[-1].after if mine else alert)
    return found, steps


def _touched(
    said: Heard,
    new: Mapping[UUID, UUID],
    people: _People,
    standings: Mapping[Key, Standing],
    rules: Mapping[str, Rule],
) -> list[Key]:
    """Whom to decide on: people with a new score, and those who took somebody in, in each of their initiatives."""
    touched = {(initiative, people.of(entity)): None for (initiative, entity), _ in said.scores}
    if new:
        survivors = {*new.values()}
        whose = ((initiative, people.of(entity)) for initiative, entity in standings if initiative in rules)
        touched |= {key: None for key in whose if key[1] in survivors}
    return [key for key in touched if not people.gone(key[1])]
