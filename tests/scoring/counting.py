"""Counting one state at a time, as a test tells it; the service counts for a batch at once."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from services.scoring.features import Features, State
from shared.contracts.records import Fact


def update(features: Features, state: State, event: str, occurred: datetime, facts: Mapping[str, Fact]) -> State:
    """The state with a fact's tiles in it."""
    return features.merge([state, features.tiles(event, occurred, facts)])


def vector(features: Features, state: State, as_of: datetime) -> NDArray[np.float32]:
    """The model's input."""
    only: NDArray[np.float32] = features.evaluated([state], [as_of]).vectors[0]
    return only
