"""What operations see: Prometheus metrics, each with a sentence, and JSON logs that name events, not people."""

import logging
import sys
import traceback
from collections.abc import MutableMapping, Sequence
from types import TracebackType
from typing import Any, Literal

import structlog
from prometheus_client import Counter, Gauge, Histogram
from structlog.types import Processor

HEARD = Counter("jigsaw_events_heard_total", "Messages taken from a topic and done, duplicates not counted.", ["topic"])
REPEATED = Counter("jigsaw_events_repeated_total", "Messages that had been done before and were dropped.", ["topic"])
SAID = Counter("jigsaw_events_said_total", "Messages the broker has acknowledged.", ["topic"])
DEAD = Counter(
    "jigsaw_dead_letters_total", "Messages put aside because they could not be handled.", ["topic", "reason"]
)
MISSED = Counter("jigsaw_events_missed_total", "Messages that the broker deleted before they were heard.", ["topic"])
RETRIES = Counter("jigsaw_batch_retries_total", "Batches tried again because a part was away.")
UNSENT = Gauge("jigsaw_outbox_unsent", "Transactions whose messages the broker has not acknowledged yet.")
LAG = Gauge("jigsaw_consumer_lag_records", "Messages waiting on the topics we hear.", ["topic"])
LAG_SECONDS = Gauge("jigsaw_consumer_lag_seconds", "Age of the oldest message waiting; 0 when none waits.", ["topic"])
BATCH = Histogram("jigsaw_batch_records", "Messages a transaction.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500))
BATCH_SECONDS = Histogram(
    "jigsaw_batch_seconds",
    "From taking a batch to its commit.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
AGE = Histogram(
    "jigsaw_event_age_seconds",
    "Seconds from ingest accepting an event to this service committing what follows from it. For alerts, topic "
    "scoring.scores: the event-to-alert latency.",
    ["topic"],
    buckets=(*(n / 200 for n in range(1, 21)), 0.12, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300),
)
EVERYWHERE = Gauge(
    "jigsaw_everywhere_heard", "Whether this replica hears a topic that every one must; 0 while it cannot.", ["topic"]
)
UNSAID = Counter("jigsaw_sessions_unsaid_total", "Sessions that were ended here, but of which the others may not hear.")
RELEASE = Gauge("jigsaw_release_info", "Always 1; the deployed version is in the label.", ["service", "release"])

Log = structlog.stdlib.BoundLogger


def start_logging(service: str, level: str, out: Literal["stdout", "stderr"] = "stdout") -> None:
    """One JSON object a line. An exception is logged by its type and place, never by its text, which may hold a
    person's data."""
    prepared: Sequence[Processor] = (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _place_of_error,
    )
    as_json = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*prepared, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: structlog.PrintLogger(getattr(sys, out)),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(getattr(sys, out))
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *prepared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def log() -> Log:
    return structlog.get_logger()  # type: ignore[no-any-return]


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-6:]
    return [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames]


def _place_of_error(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = fields.pop("exc_info", None)
    if isinstance(error, tuple):  # as the standard library has it
        error = error[1]
    if isinstance(error, BaseException):
        fields["error"] = type(error).__name__
        fields["at"] = _frames(error.__traceback__)
    return fields
