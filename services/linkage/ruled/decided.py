"""What stewards decided about places and organisations, over the groups that rules make. Pure.

Invariants
    1. What is together is a function of the groups (records, rules) and the decisions; no order of arrival or of
       deciding shows in it.
    2. "Must not" always holds. "Must" holds unless that would bring two together that must not be; of decisions that
       cannot all hold, those about the smaller pair of records come first. One that does not hold goes back to the
       stewards (``conflicts`` in queries.sql).
    3. Two records of which something is decided stay or leave alone: the others of their groups are together as rules
       say. Who must be of one with another brings its whole group along.
    4. Of those of one group that must not be of one, the smallest record stays with the others of the group.
"""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from services.linkage.index.partition import Decisions

Group = Sequence[UUID]


def decided(groups: Iterable[Group], decisions: Decisions) -> list[list[UUID]]:
    """Disjoint groups as they are after the decisions about their records. Every group that a "must" leads to from one
    of these must be among them."""
    found = [sorted(group) for group in groups]
    concerned = {record for group in found for record in group if decisions.concern(record)}
    if not concerned:
        return found
    clusters = _Clusters(decisions)
    for record in sorted(concerned):
        for other, verdict in sorted(decisions.about(record).items()):
            if verdict == "must" and record < other and other in concerned:
                clusters.join(record, other)
    for group in sorted(found, key=lambda group: group[0]):
        others = [record for record in group if record not in concerned]
        homes = others[:1]
        for record in others:
            clusters.join(homes[0], record)
        for record in (one for one in group if one in concerned):
            if not any(clusters.join(home, record) for home in homes):
                homes.append(record)
    return clusters.of(record for group in found for record in group)


def reached(records: Iterable[UUID], decisions: Decisions, group_of: Callable[[UUID], Group]) -> list[Group]:
    """The groups of these records, and all that a "must" leads to from them."""
    groups: list[Group] = []
    seen: set[UUID] = set()
    ahead = list(records)
    while ahead:
        record = ahead.pop()
        if record in seen:
            continue
        group = group_of(record)
        seen.update(group)
        if group:
            groups.append(group)
        ahead += [other for one in group for other, verdict in decisions.about(one).items() if verdict == "must"]
    return groups


class _Clusters:
    """Records that are together so far, each cluster known by one of them."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._of: dict[UUID, list[UUID]] = {}

    def join(self, one: UUID, other: UUID) -> bool:
        """Put two records' clusters together, unless a decision keeps any two of them apart. Are they together now?"""
        left, right = self._cluster(one), self._cluster(other)
        if left is right:
            return True
        small, large = sorted((left, right), key=len)
        if any(self._apart(record, large) for record in small):
            return False
        large += small
        self._of.update(dict.fromkeys(small, large))
        return True

    def of(self, records: Iterable[UUID]) -> list[list[UUID]]:
        """All clusters of these records."""
        return list({id(cluster): cluster for record in records for cluster in (self._cluster(record),)}.values())

    def _cluster(self, record: UUID) -> list[UUID]:
        return self._of.setdefault(record, [record])

    def _apart(self, record: UUID, cluster: list[UUID]) -> bool:
        return any(
            verdict == "must_not" and self._of.get(other) is cluster
            for other, verdict in self._decisions.about(record).items()
        )
