"""What linkage is told besides the common settings."""

from pathlib import Path

from pydantic import Field

from shared.settings import Settings


class LinkageSettings(Settings):
    """Common settings, and where the models are."""

    linkage_models: Path = Field(
        Path(__file__).parent / "models", description="The folder of linkage models: person.json."
    )
