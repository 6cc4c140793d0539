"""What operations see of scoring."""

from prometheus_client import Counter, Histogram

DROPPED = Counter(
    "jigsaw_scoring_facts_dropped_total",
    "Facts of records that have been erased, left out; a batch tried again counts again.",
)
SCORED = Counter(
    "jigsaw_scoring_scored_total", "Entities scored, said or not; a batch tried again counts again.", ["initiative"]
)
SAID = Counter(
    "jigsaw_scoring_said_total", "Scores said because they are news; a batch tried again counts again.", ["initiative"]
)
TAKEN_BACK = Counter(
    "jigsaw_scoring_taken_back_total",
    "Scores taken back: merged, erased or emptied; a batch tried again counts again.",
    ["initiative"],
)
AGED = Counter(
    "jigsaw_scoring_aged_total",
    "Entities scored again because a window moved past something; a batch tried again counts again.",
)
MODEL_SECONDS = Histogram(
    "jigsaw_scoring_model_seconds",
    "One call of a model for all entities of a batch.",
    ["initiative"],
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05),
)
