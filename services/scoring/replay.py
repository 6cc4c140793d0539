"""A receipt, computed again: the same vector through the same model, whatever runs today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.scoring.domain import Receipt, differences
from services.scoring.judging import Running
from services.scoring.model import Model
from services.scoring.store import ScoringStore


@dataclass(frozen=True)
class Replay:
    """``score`` as computed now; ``differences``: how far what is not the same lies from the receipt."""

    score: float | None
    differences: Mapping[str, float]

    @property
    def equal(self) -> bool:
        return not self.differences


class Models:
    """The models at work, and the older ones from the registry."""

    def __init__(self, running: Sequence[Running]) -> None:
        self._running = {(one.name, one.model.sha256): one.model for one in running}

    async def of(self, initiative: str, sha256: str, store: ScoringStore) -> Model | None:
        """``None`` when such a model was never registered."""
        at_work = self._running.get((initiative, sha256))
        if at_work is not None:
            return at_work
        found = await store.model(initiative, sha256)
        return _loaded(found[1], tuple(found[0])) if found else None


def replay(receipt: Receipt, model: Model) -> Replay:
    """A score that was taken back was not computed, so there is nothing to compare."""
    if receipt.score is None:
        return Replay(None, {})
    scores = model.score(receipt.vector.reshape(1, -1))
    score = float(scores.score[0])
    return Replay(score, differences(receipt, score, scores.contributions[0]))


@lru_cache(maxsize=8)
def _loaded(content: bytes, features: tuple[str, ...]) -> Model:
    return Model(content, features)
