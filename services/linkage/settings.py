"""What linkage is told besides the common settings."""

from pathlib import Path

from pydantic import Field

from services.linkage.matching.model import Model
from shared.settings import Settings

MODELS = Path(__file__).parent / "models"


def seed(models: Path = MODELS) -> Model:
    """The model that an empty database begins with. Raises ``ValueError`` when it is of another format than this
    release's."""
    return Model.load((models / "person.json").read_text())


class LinkageSettings(Settings):
    """Common settings, and where the models are."""

    linkage_models: Path = Field(MODELS, description="The folder of the model that an empty database begins with.")

    def model(self) -> Model:
        """The seed. Raises as it does."""
        return seed(self.linkage_models)
