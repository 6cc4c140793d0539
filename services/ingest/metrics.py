"""What operations see of ingest."""

from prometheus_client import Counter, Histogram

EVENTS = Counter("jigsaw_ingest_events_total", "Partners' events by what became of them.", ["partner", "verdict"])
REJECTED = Counter("jigsaw_ingest_rejected_total", "Rejected events by reason.", ["partner", "reason"])
FINDINGS = Counter(
    "jigsaw_ingest_findings_total", "Fields of accepted events that were dropped or put right.", ["reason"]
)
REFUSED = Counter(
    "jigsaw_ingest_refused_posts_total", "Requests refused as a whole, by the status answered.", ["status"]
)
POSTS = Histogram(
    "jigsaw_ingest_posts_per_commit", "Posts that shared one transaction.", buckets=(1, 2, 3, 5, 10, 20, 50)
)
COMMIT_SECONDS = Histogram(
    "jigsaw_ingest_commit_seconds",
    "From taking posts in hand to their commit; what a partner waits for besides its own queue.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
QUOTA_ALONE = Counter(
    "jigsaw_ingest_quota_alone_total",
    "Posts whose quota this process judged alone because Redis was away; quotas of several replicas then add up.",
)
