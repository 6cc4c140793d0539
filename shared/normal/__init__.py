"""Normal form: what partners publish, as the field's libraries and registers write it. Pure; nothing here does I/O."""

from shared.normal.subjects import LINKING, normalise
from shared.normal.text import Finding, Reading

__all__ = ["LINKING", "Finding", "Reading", "normalise"]
