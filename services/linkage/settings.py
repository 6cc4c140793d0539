"""What linkage is told besides the common settings."""

from pathlib import Path

from pydantic import Field

from services.linkage.matching.model import Model
from shared.settings import Settings


class LinkageSettings(Settings):
    """Common settings, and where the models are."""

    linkage_models: Path = Field(
        Path(__file__).parent / "models", description="The folder of the model that an empty database begins with."
    )

    def model(self) -> Model:
        """The seed. Raises ``ValueError`` when it is of another format than this release's."""
        return Model.load((self.linkage_models / "person.json").read_text())
