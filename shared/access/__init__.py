"""The agreement, enforced: who may publish what, and who may see what for which purpose."""

from shared.access.agreements import Agreement, Agreements
from shared.access.policy import Decision, decide, shows_reason

__all__ = ["Agreement", "Agreements", "Decision", "decide", "shows_reason"]
