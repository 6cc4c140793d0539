"""What operations see of the audit log."""

from prometheus_client import Counter, Gauge

ENTRIES = Counter("jigsaw_audit_entries_total", "Entries written to the log; a batch tried again counts again.")
SIZE = Gauge("jigsaw_audit_log_entries", "Entries in the log.")
CHECKPOINT_AGE = Gauge(
    "jigsaw_audit_checkpoint_age_seconds", "Age of the newest signed checkpoint; grows while nothing is recorded."
)
UNWITNESSED = Gauge(
    "jigsaw_audit_unwitnessed_entries",
    "Entries that no checkpoint outside the database covers yet: only these could be cut off unseen.",
)
CONSISTENT = Gauge(
    "jigsaw_audit_consistent",
    "1 while the log continues what its witness kept; 0: somebody cut, changed or replaced it, call the auditor.",
)
VERIFIED = Gauge(
    "jigsaw_audit_verified", "1 when the last reading of every row found no fault; 0: see `jigsaw audit verify`."
)
VERIFIED_AT = Gauge("jigsaw_audit_verified_timestamp_seconds", "When every row was last read, in seconds since 1970.")
