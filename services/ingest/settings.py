"""What ingest is told besides the common settings."""

from pydantic import Field

from shared.settings import Settings


class IngestSettings(Settings):
    """Common settings, and ingest's own."""

    quota_factor: float = Field(1.0, gt=0, description="Multiplies every agreement's quota: for first fills and load.")
