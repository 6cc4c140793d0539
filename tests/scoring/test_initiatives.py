"""An initiative that cannot run stops the start, and says which file, where in it, and what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.scoring.judging import load
from shared.initiatives import Initiatives
from shared.settings import PROJECT
from tests.scoring.initiative import graph, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "initiatives")


def change(folder: Path, file: str, **changes: Any) -> None:
    path = folder / "neet" / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def test_a_good_one_runs(folder: Path) -> None:
    (one,) = load(Initiatives.load(folder))
    assert one.initiative.team("north") == "youth-north"
    assert one.initiative.team(None) == one.initiative.team("nowhere") == "youth"
    assert one.initiative.reason("absence_28d", 0.5, "cy") == "absence_28d yw 0.50"
    assert one.initiative.words("absence_28d", "en") == "absence_28d is …"
    assert one.initiative.thresholds.raise_at == 0.6


def test_the_projects_own_run() -> None:
    for one in load(Initiatives.load(PROJECT / "initiatives")):
        for feature in one.features.names:
            assert one.initiative.reason(feature, 1.0, "en") != one.initiative.reason(feature, 1.0, "cy")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no initiative there: set JIGSAW_INITIATIVES"):
        Initiatives.load(tmp_path / "nothing")


@pytest.mark.parametrize("file", ["initiative.yaml", "reasons.yaml", "card.yaml", "model.onnx"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / "neet" / file).unlink()
    with pytest.raises(ValueError, match=f"{file}: no such file"):
        load(Initiatives.load(folder))


def test_bad_yaml_is_named(folder: Path) -> None:
    (folder / "neet" / "reasons.yaml").write_text("a: [")
    with pytest.raises(ValueError, match=r"reasons\.yaml: not YAML"):
        Initiatives.load(folder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"purpose": 3}, "purpose"),
        ({"name": "other"}, "give it the folder's name"),
        ({"thresholds": {"raise": 0.3, "lower": 0.6}}, "lower must not be above raise"),
        ({"surprise": 1}, "surprise"),
        ({"data": {"events": [], "features": [{"name": "a", "kind": "count", "events": ["x"]}]}}, "does not name"),
        ({"data": {"events": ["x"], "features": [{"name": "a", "kind": "sum", "events": ["x"]}]}}, "needs the fact"),
    ],
)
def test_a_wrong_statement_says_where(folder: Path, changes: dict[str, Any], complaint: str) -> None:
    change(folder, "initiative.yaml", **changes)
    with pytest.raises(ValueError, match=complaint) as raised:
        Initiatives.load(folder)
    assert "initiative.yaml" in str(raised.value)


def test_a_feature_without_a_sentence_is_named(folder: Path) -> None:
    (folder / "neet" / "reasons.yaml").write_text(yaml.safe_dump({"missing": {"en": "a", "cy": "b"}}))
    with pytest.raises(ValueError, match="no sentence for absence_28d"):
        Initiatives.load(folder)


def test_a_misspelt_placeholder_stops_the_start(folder: Path) -> None:
    change(folder, "reasons.yaml", missing={"en": "{valeu}", "cy": "{value}"})
    with pytest.raises(ValueError, match=r"reasons\.yaml: missing"):
        Initiatives.load(folder)


def test_a_model_that_is_not_the_approved_one_does_not_run(folder: Path) -> None:
    (folder / "neet" / "model.onnx").write_bytes(graph(intercept=-1.0))
    with pytest.raises(ValueError, match=r"model\.onnx: sha256 is .* restore the approved model"):
        load(Initiatives.load(folder))


def test_a_model_for_other_features_does_not_run(tmp_path: Path) -> None:
    folder = write(tmp_path, graph([1.0, 2.0], [0.0, 0.0]))
    with pytest.raises(ValueError, match=r"'neet' cannot run: the model wants .* the initiative has 5 features"):
        load(Initiatives.load(folder))
