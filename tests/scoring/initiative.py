"""A small initiative as a folder: its model is an additive graph, made by hand."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import onnx
import yaml
from onnx import TensorProto, helper

WORDS = {"en": "…", "cy": "…"}
ATTENDANCE, EXCLUSION, MISSING = "education.attendance.v1", "education.exclusion.v1", "police.missing.v1"
FEATURES = [
    {
        "name": "absence_28d",
        "kind": "ratio",
        "events": [ATTENDANCE],
        "fact": "sessions_missed",
        "over": "sessions_possible",
        "days": 28,
    },
    {"name": "worst_week", "kind": "max", "events": [ATTENDANCE], "fact": "sessions_missed", "days": 60},
    {"name": "exclusions_90d", "kind": "count", "events": [EXCLUSION], "days": 90},
    {"name": "missing", "kind": "any", "events": [MISSING], "where": {"risk": ["medium", "high"]}},
    {"name": "last_missed", "kind": "latest", "events": [ATTENDANCE], "fact": "sessions_missed"},
]
WEIGHTS, MEANS, INTERCEPT = [6.0, 0.2, 1.5, 2.0, 0.1], [0.1, 1.0, 0.0, 0.0, 1.0], -2.0


def graph(weights: list[float] = WEIGHTS, means: list[float] = MEANS, intercept: float = INTERCEPT) -> bytes:
    """score = sigmoid(intercept + Σ contributions), contributions = (features − means) × weights."""
    columns = len(weights)
    nodes = [
        helper.make_node("Sub", ["features", "means"], ["shifted"]),
        helper.make_node("Mul", ["shifted", "weights"], ["contributions"]),
        helper.make_node("ReduceSum", ["contributions", "axes"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["score"]),
    ]
    made = helper.make_graph(
        nodes,
        "additive",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, columns])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, [None]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, [None, columns]),
        ],
        [
            helper.make_tensor("means", TensorProto.FLOAT, [columns], means),
            helper.make_tensor("weights", TensorProto.FLOAT, [columns], weights),
            helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
            helper.make_tensor("intercept", TensorProto.FLOAT, [1], [intercept]),
        ],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def statement(model: bytes) -> dict[str, Any]:
    return {
        "name": "neet", "purpose": "neet", "kind": "person",
        "title": {"en": "Young people who may leave education", "cy": "Pobl ifanc a allai adael addysg"},
        "problem": {"en": "Our problem is that we hear of it too late.", "cy": "Ein problem yw clywed yn rhy hwyr."},
        "action": {
            "statement": {"en": "We would call on them.", "cy": "Byddem yn galw arnynt."}, "who": WORDS,
            "capacity_a_week": 12,
        },
        "product": {"kind": "alert", "shows": WORDS},
        "data": {"events": [ATTENDANCE, EXCLUSION, MISSING], "features": FEATURES},
        "model": {"file": "model.onnx", "sha256": sha256(model).hexdigest(), "card": "card.yaml"},
        "thresholds": {"raise": 0.6, "lower": 0.45},
        "routing": {"fact": "area", "teams": {"north": "youth-north", "south": "youth-south"}, "otherwise": "youth"},
        "evaluation": WORDS,
    }  # fmt: skip


def write(
    folder: Path, model: bytes | None = None, change: Callable[[dict[str, Any]], None] = lambda said: None
) -> Path:
    """``folder/neet``, with this model or the additive one; ``change`` alters its statement. Returns ``folder``."""
    content = model or graph()
    home = folder / "neet"
    home.mkdir(parents=True, exist_ok=True)
    (home / "model.onnx").write_bytes(content)
    said = statement(content)
    change(said)
    (home / "initiative.yaml").write_text(yaml.safe_dump(said, allow_unicode=True))
    reasons = {
        name: {"en": f"{name} is {{value:.2f}}", "cy": f"{name} yw {{value:.2f}}"}
        for name in (feature["name"] for feature in said["data"]["features"])
    }
    (home / "reasons.yaml").write_text(yaml.safe_dump(reasons))
    (home / "card.yaml").write_text(yaml.safe_dump({"trained_on": "nothing: weights by hand"}))
    return folder
