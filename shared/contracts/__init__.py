"""What the services say to each other: the envelope, the bodies, the topics. Nothing here does I/O."""

from shared.contracts.access import NOTHING_LEFT, Access, Accesses, Action, Outcome
from shared.contracts.alerts import AlertChanged
from shared.contracts.dead import DeadLettered
from shared.contracts.entities import Change, EntityChanged, Part
from shared.contracts.envelope import Contract, Event
from shared.contracts.facts import FactLinked, LinkedSubject
from shared.contracts.records import Kind, Record, RecordsAccepted, record_id, without_id
from shared.contracts.scores import Reason, ScoreChanged
from shared.contracts.sessions import SessionsEnded
from shared.contracts.topics import SERVICES, Topic

__all__ = [
    "NOTHING_LEFT",
    "SERVICES",
    "Access",
    "Accesses",
    "Action",
    "AlertChanged",
    "Change",
    "Contract",
    "DeadLettered",
    "EntityChanged",
    "Event",
    "FactLinked",
    "Kind",
    "LinkedSubject",
    "Outcome",
    "Part",
    "Reason",
    "Record",
    "RecordsAccepted",
    "ScoreChanged",
    "SessionsEnded",
    "Topic",
    "record_id",
    "without_id",
]
