"""Every topic: who owns it, what its messages are, how it is keyed, cut and kept. Created by the project, never by
a broker's guess."""

from dataclasses import dataclass
from enum import Enum

from shared.contracts.access import Accesses
from shared.contracts.alerts import AlertChanged
from shared.contracts.dead import DeadLettered
from shared.contracts.entities import EntityChanged
from shared.contracts.envelope import Contract
from shared.contracts.facts import FactLinked
from shared.contracts.records import RecordsAccepted
from shared.contracts.scores import ScoreChanged
from shared.contracts.sessions import SessionsEnded

SERVICES = ("ingest", "linkage", "scoring", "alerts", "audit")
"""Each a folder of services/, a database, a consumer group and a path of the console; in the order an event goes."""


@dataclass(frozen=True)
class Spec:
    """``keyed_by`` says in words what the key is; messages of one key keep their order. ``everywhere``: every replica
    of every service follows it by itself (shared/everywhere.py); no handler hears it."""

    name: str
    owner: str
    body: type[Contract]
    keyed_by: str
    partitions: int
    retention_days: int
    everywhere: bool = False

    @property
    def said_by(self) -> tuple[str, ...]:
        """The services that write it."""
        return SERVICES if self.owner == "every service" else (self.owner,)


class Topic(Enum):
    RECORDS = Spec("ingest.records", "ingest", RecordsAccepted, "the first record's id", 2, 7)
    FACTS = Spec("linkage.facts", "linkage", FactLinked, "the first subject's record id", 2, 30)
    ENTITIES = Spec("linkage.entities", "linkage", EntityChanged, "entity id", 1, 30)
    SCORES = Spec("scoring.scores", "scoring", ScoreChanged, "entity id", 1, 30)
    ALERTS = Spec("alerts.alerts", "alerts", AlertChanged, "entity id", 1, 30)
    # Partners can publish events again, and what follows is made again. Nobody can say again who saw what: until audit
    # has written it, only this topic knows. Long enough to find out why audit does not hear, and mend it.
    ACCESSES = Spec("audit.accesses", "every service", Accesses, "the saying service", 1, 90)
    DEAD_LETTERS = Spec("jigsaw.dead-letters", "every service", DeadLettered, "dead letter id", 1, 90)
    # Longer than any session lasts.
    SESSIONS = Spec("jigsaw.sessions", "every service", SessionsEnded, "the saying service", 1, 1, everywhere=True)

    @property
    def spec(self) -> Spec:
        return self.value

    @classmethod
    def named(cls, name: str) -> "Topic":
        return _BY_NAME[name]

    @classmethod
    def of(cls, body: type[Contract]) -> "Topic":
        """The one topic that carries this body."""
        return _BY_BODY[body]


_BY_NAME = {topic.spec.name: topic for topic in Topic}
_BY_BODY = {topic.spec.body: topic for topic in Topic}
