"""What audit is told besides the common settings."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings


class AuditSettings(Settings):
    """Common settings, and the log's own."""

    batch: int = Field(50, description="At most so many messages a transaction; one message may hold 500 entries.")
    witness: Path = Field(Path("witness"), description="Where checkpoints are kept outside the database.")
    checkpoint_key: SecretStr = Field(description="Ed25519 seed, hex: signs checkpoints.")
    log_origin: str = Field("jigsaw/audit", description="The log's name for ever, in each checkpoint.")
    verify_hours: float = Field(24, description="Hours between readings of the whole log; 0: never.")
