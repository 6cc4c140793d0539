"""What operations see of linkage."""

from prometheus_client import Counter, Gauge, Histogram

LINKED = Counter(
    "jigsaw_linkage_records_linked_total",
    "Records whose identity was new or changed, and was linked; a batch tried again counts again.",
)
COMPARED = Counter(
    "jigsaw_linkage_pairs_compared_total",
    "Pairs of records that share a block key and were compared; a batch tried again counts again.",
)
UNCHANGED = Counter(
    "jigsaw_linkage_records_unchanged_total",
    "Records published again with the identity they had; a batch tried again counts again.",
)
RECORDS = Gauge("jigsaw_linkage_records", "Records in the index.", ["kind"])
ENTITIES = Gauge("jigsaw_linkage_entities", "Living entities: people, places, organisations.", ["kind"])
OVERFLOWED = Gauge(
    "jigsaw_linkage_overflowed_keys", "Block keys too common to compare by; finer keys carry their records."
)
CROWDED = Counter(
    "jigsaw_linkage_records_crowded_total",
    "Records that stand alone because they seem to be of one person with thousands of others; a batch tried again "
    "counts again.",
)
REBUILD_SECONDS = Gauge("jigsaw_linkage_rebuild_seconds", "How long the index in memory took to rebuild at start.")
FOLLOWED = Counter(
    "jigsaw_linkage_records_followed_total", "Records that another replica, or a batch that failed, touched."
)
DIVERGED = Counter(
    "jigsaw_linkage_index_diverged_total", "Times the index was not what was committed: an error of ours."
)
APPLY_SECONDS = Histogram(
    "jigsaw_linkage_apply_seconds",
    "Blocking, comparing and clustering of one batch, without the database.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
DISCLOSURES = Counter(
    "jigsaw_linkage_disclosures_total", "Entities shown to somebody, refused, or not found.", ["outcome"]
)
DECISIONS = Counter("jigsaw_linkage_decisions_total", "Pairs of records that a steward decided about.", ["verdict"])
SWITCH_SECONDS = Gauge("jigsaw_linkage_switch_seconds", "How long the stream waited for the last switch of models.")
GIVEN_UP = Counter(
    "jigsaw_linkage_switches_given_up_total", "Switches of models that did not come about; the report says why."
)
TURNED = Counter(
    "jigsaw_linkage_records_turned_total", "Records linked anew because agreements say otherwise of probability."
)
TURNED_RATIO = Gauge(
    "jigsaw_linkage_terms_turned_ratio", "Share of records that rest on what agreements say of probability now."
)
LEFT = Counter("jigsaw_linkage_records_left_total", "Records that left because their agreement had ended.")
EXPIRED = Counter(
    "jigsaw_linkage_records_expired_total", "Withheld records forgotten because their retention was over."
)
ERASED = Counter("jigsaw_linkage_records_erased_total", "Records erased by a person, by the ground.", ["ground"])
SUPPRESSED = Counter(
    "jigsaw_linkage_records_suppressed_total",
    "Records heard of again that are erased, and were dropped; a batch tried again counts again.",
)
