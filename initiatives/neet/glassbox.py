"""The model: log-odds that are a sum of one term a feature, so that every score is its own explanation.

    term_j  = weight_j · (shape_j(x_j) - centre_j)      shape: clipped to [least, most], then log(1 + x) where curved
    score   = 1 / (1 + exp(-(base + Σ term_j)))

``centre_j`` is the mean of the shaped feature among those it was trained on, so a term says how far this young person
is from the average one. Outside the school years that it was trained for, the term of ``year_group`` is -12: no score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OUT_OF_SCOPE = -12.0
FIRST_YEAR, LAST_YEAR = 9, 13
OPSET = 17

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is done with a feature before it is weighed; ``sign`` is the only direction that its weight may have."""

    feature: str
    least: float
    most: float
    curved: bool
    sign: int


@dataclass(frozen=True, slots=True)
class GlassBox:
    """A fitted model. ``scope`` is the column of ``year_group``."""

    shapes: tuple[Shape, ...]
    weights: Floats
    centres: Floats
    base: float
    scope: int


def shaped(shapes: Sequence[Shape], features: Floats) -> Floats:
    """(n, k) features → (n, k) shaped features."""
    clipped = np.clip(features, [shape.least for shape in shapes], [shape.most for shape in shapes])
    curved = np.array([shape.curved for shape in shapes])
    return np.where(curved, np.log1p(np.where(curved, clipped, 0.0)), clipped)


def terms(model: GlassBox, features: Floats) -> Floats:
    """(n, k) features → (n, k) terms in log-odds."""
    found: Floats = (shaped(model.shapes, features) - model.centres) * model.weights
    year = features[:, model.scope]
    found[:, model.scope] += np.where((year < FIRST_YEAR) | (year > LAST_YEAR), OUT_OF_SCOPE, 0.0)
    return found


def score(model: GlassBox, features: Floats) -> Floats:
    """(n, k) features → (n,) probabilities."""
    found: Floats = 1 / (1 + np.exp(-(model.base + terms(model, features).sum(axis=1))))
    return found


# The graph, an operator a line: operator, inputs, output.
_STEPS: Sequence[tuple[str, Sequence[str], str]] = [
    ("Max", ["features", "least"], "raised"),
    ("Min", ["raised", "most"], "clipped"),
    # The logarithm is only asked for where it is used: elsewhere 0 stands in.
    ("Mul", ["clipped", "curved"], "to_curve"),
    ("Add", ["to_curve", "one"], "plus_one"),
    ("Log", ["plus_one"], "logs"),
    ("Mul", ["clipped", "straight"], "lines"),
    ("Add", ["logs", "lines"], "shaped"),
    ("Sub", ["shaped", "centres"], "centred"),
    ("Mul", ["centred", "weights"], "terms"),
    ("Gather", ["features", "scope"], "year"),
    ("Less", ["year", "first_year"], "too_young"),
    ("Greater", ["year", "last_year"], "too_old"),
    ("Or", ["too_young", "too_old"], "outside"),
    ("Where", ["outside", "out_of_scope", "nothing"], "gate"),
    ("Add", ["terms", "gate"], "contributions"),
    ("ReduceSum", ["contributions", "across"], "total"),
    ("Add", ["total", "base"], "log_odds"),
    ("Sigmoid", ["log_odds"], "score"),
]


def to_onnx(model: GlassBox, features: Sequence[str]) -> bytes:
    """One graph: ``features`` float32 (n, k) → ``score`` (n,) and ``contributions`` (n, k). Same model, same bytes."""
    k = len(model.shapes)
    tensors = [
        numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in _constants(model).items()
    ]
    tensors += [
        numpy_helper.from_array(np.array([model.scope], np.int64), "scope"),
        numpy_helper.from_array(np.array([1], np.int64), "across"),
        numpy_helper.from_array(np.zeros(k, np.float32), "nothing"),
    ]
    nodes = [_node(op, inputs, output) for op, inputs, output in _STEPS]
    wide: list[str | int | None] = ["n", k]
    graph = helper.make_graph(
        nodes,
        "neet",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, wide)],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, wide),
        ],
        tensors,
    )
    proto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="jigsaw"
    )
    helper.set_model_props(proto, {"features": ",".join(features)})
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _constants(model: GlassBox) -> Mapping[str, object]:
    """The numbers of the graph, by the name that ``_STEPS`` has for them."""
    k = len(model.shapes)
    curved = np.array([shape.curved for shape in model.shapes], np.float32)
    only_scope = np.eye(k)[model.scope] * OUT_OF_SCOPE
    return {
        "least": [shape.least for shape in model.shapes],
        "most": [shape.most for shape in model.shapes],
        "curved": curved,
        "straight": 1 - curved,
        "centres": model.centres,
        "weights": model.weights,
        "base": model.base,
        "one": 1.0,
        "first_year": FIRST_YEAR,
        "last_year": LAST_YEAR,
        "out_of_scope": only_scope,
    }


def _node(op: str, inputs: Sequence[str], output: str) -> onnx.NodeProto:
    match op:
        case "Gather":
            return helper.make_node(op, inputs, [output], axis=1)
        case "ReduceSum":
            return helper.make_node(op, inputs, [output], keepdims=0)
        case _:
            return helper.make_node(op, inputs, [output])
