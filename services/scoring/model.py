"""A model: bytes in, scores and contributions out. The explanation is part of the graph, so it cannot differ from it.

The ONNX graph has one input, float32 (entities, features), and two named outputs: ``score``, a probability, and
``contributions``, the log-odds that each feature adds against the baseline case (an additive glass-box model).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # since 1.29 it reports to its maker; only heeded before the import
import onnxruntime

Vectors = NDArray[np.float32]
OUTPUTS = ["score", "contributions"]


@dataclass(frozen=True, slots=True)
class Scores:
    """``score`` float32 (entities,), ``contributions`` float32 (entities, features)."""

    score: Vectors
    contributions: Vectors


class Model:
    """A loaded model. Raises ``ValueError`` when the file is no such graph."""

    def __init__(self, content: bytes, features: Sequence[str]) -> None:
        self.content, self.features = content, tuple(features)
        self.sha256 = sha256(content).hexdigest()
        self._session = onnxruntime.InferenceSession(content, _options(), providers=["CPUExecutionProvider"])
        inputs, outputs = self._session.get_inputs(), {output.name for output in self._session.get_outputs()}
        wanted = len(self.features)
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or inputs[0].shape[-1] != wanted:
            raise ValueError(f"the model wants {[i.shape for i in inputs]}, the initiative has {wanted} features")
        if not outputs.issuperset(OUTPUTS):
            raise ValueError(f"the model says {sorted(outputs)}: it must say score and contributions")
        self._input: str = inputs[0].name

    def score(self, vectors: Vectors) -> Scores:
        """All entities in one call; ``vectors`` float32 (entities, features)."""
        score, contributions = self._session.run(OUTPUTS, {self._input: vectors})
        return Scores(score.reshape(len(vectors)), contributions.reshape(vectors.shape))


def _options() -> onnxruntime.SessionOptions:
    """One thread and no arena: two sessions' thread pools slow each other (onnxruntime #5363, #10273), and batches are
    small."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return options
