"""What operations see of alerts."""

from prometheus_client import Counter, Gauge, Histogram

CHANGES = Counter(
    "jigsaw_alerts_changes_total",
    "Changes of alerts: opened, reopened, lapsed, acknowledged, closed, moved, joined, rerouted, scored, forgotten, "
    "erased; a batch tried again counts again.",
    ["initiative", "change"],
)
PAGES = Gauge("jigsaw_alerts_pages_open", "Queue pages that are open now and hear of new alerts.")
DISCLOSURES = Counter(
    "jigsaw_alerts_disclosures_total", "Alerts shown to a person, each with its audit entry.", ["where"]
)
SEEN = Histogram(
    "jigsaw_alerts_seen_seconds",
    "From an alert's change to its being sent to an open page.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30),
)
FANOUT_AWAY = Gauge(
    "jigsaw_alerts_fanout_away",
    "1 while Redis does not answer: pages hear of alerts by asking PostgreSQL, a second later.",
)
NAMES_AWAY = Counter(
    "jigsaw_alerts_names_away_total", "Times linkage could not be asked for names, so alerts were shown by reference."
)
MAILS = Counter("jigsaw_alerts_mails_total", "Attempts to hand over a digest to the mail server.", ["outcome"])
MAILS_WAITING = Gauge("jigsaw_alerts_mails_waiting", "Digests that the mail server has not taken yet.")
OVERRIDES = Counter(
    "jigsaw_alerts_overrides_total",
    "Cases of other teams: opened in an emergency, and what a supervisor thought of it.",
    ["what"],
)
UNREVIEWED = Gauge(
    "jigsaw_alerts_overrides_unreviewed", "Cases that were opened in an emergency and that no supervisor has reviewed."
)
UNREVIEWED_SECONDS = Gauge(
    "jigsaw_alerts_overrides_unreviewed_seconds", "How long the oldest of them has waited for its review; 0: none does."
)
