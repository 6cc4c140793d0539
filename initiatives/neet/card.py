"""How good the model is on regions it has not seen, in figures, and the card that says so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from initiatives.neet.glassbox import Floats, GlassBox, Shape

Figures = Mapping[str, Any]


def judged(scores: Floats, neet: NDArray[np.bool_], groups: Mapping[str, Sequence[str]], threshold: float) -> Figures:
    """The figures of the card. Calibration is by tenth of score: mean score and share that became NEET."""
    order = np.array_split(np.argsort(scores), 10)
    by_group = {
        f"{name} {group}": _group(scores, neet, np.array(values) == group, threshold)
        for name, values in groups.items()
        for group in sorted(set(values))
    }
    return {
        "young_people": len(neet),
        "neet": int(neet.sum()),
        "auc": round(float(roc_auc_score(neet, scores)), 3),
        "average_precision": round(float(average_precision_score(neet, scores)), 3),
        "brier": round(float(brier_score_loss(neet, scores)), 4),
        "brier_of_the_base_rate": round(float(neet.mean() * (1 - neet.mean())), 4),
        "at_threshold": _group(scores, neet, np.ones(len(neet), bool), threshold),
        "calibration": [[round(float(scores[i].mean()), 3), round(float(neet[i].mean()), 3)] for i in order],
        "by_group": by_group,
    }


def _group(scores: Floats, neet: NDArray[np.bool_], inside: NDArray[np.bool_], threshold: float) -> Figures:
    flagged, inside_neet = (scores >= threshold) & inside, neet & inside
    hits = int((flagged & neet).sum())
    return {
        "young_people": int(inside.sum()),
        "neet": int(inside_neet.sum()),
        "auc": round(float(roc_auc_score(neet[inside], scores[inside])), 3),
        "flagged": int(flagged.sum()),
        "precision": round(hits / max(1, int(flagged.sum())), 3),
        "missed_need": round(1 - hits / max(1, int(inside_neet.sum())), 3),
        "false_alarm_rate": round(float((flagged & ~neet).sum() / max(1, (inside & ~neet).sum())), 4),
        "mean_score": round(float(scores[inside].mean()), 4),
    }


def write_card(
    folder: Path, model: GlassBox, digest: str, learnt: Figures, held_out_seeds: Sequence[int], figures: Figures
) -> None:
    """``card.yaml`` for programs and ``model_card.md`` for people, of the same figures."""
    card = {
        "model": "model.onnx",
        "sha256": digest,
        "kind": "additive log-odds (logistic regression on shaped features), signs fixed beforehand",
        "trained_on": dict(learnt),
        "judged_on": {"seeds": list(held_out_seeds), **figures},
        "weights": {s.feature: round(float(w), 4) for s, w in zip(model.shapes, model.weights, strict=True)},
        "base": round(model.base, 4),
        "limits": LIMITS,
    }
    (folder / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=118))
    (folder / "model_card.md").write_text(_markdown(model, digest, learnt, held_out_seeds, figures))


LIMITS = [
    "Trained and judged on a synthetic region: it shows that the machinery works, and says nothing about real people. "
    "Retrain on the region's own outcomes, with a data protection impact assessment, before it is used.",
    "It scores school years 9 to 13; anybody else gets almost 0. Who has left school is seen only while records last.",
    "Twelve weeks must have passed before the windows are full; until then counts are short and scores too low.",
    "Who is known to police or social care is known in part because they were looked at: such features keep that bias.",
    "Free school meals and additional learning needs are used; watch missed need and false alarms by group.",
    "It predicts, it does not explain: a term is a part of the score, not a cause. A person decides.",
]


def _markdown(model: GlassBox, digest: str, learnt: Figures, held_out_seeds: Sequence[int], figures: Figures) -> str:
    weights = zip(model.shapes, model.weights, strict=True)
    calibration = [_row(str(i), *map(str, pair)) for i, pair in enumerate(figures["calibration"], 1)]
    return PAGE.format(
        digest=digest,
        learnt=learnt,
        learnt_seeds=", ".join(map(str, learnt["seeds"])),
        held_out_seeds=", ".join(map(str, held_out_seeds)),
        figures=figures,
        at=figures["at_threshold"],
        calibration="\n".join(calibration),
        groups="\n".join(_row(name, *map(str, group.values())) for name, group in figures["by_group"].items()),
        weights="\n".join(_row(s.feature, f"{w:+.3f}", _shape(s)) for s, w in weights),
        limits="\n".join(f"- {limit}" for limit in LIMITS),
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shape(shape: Shape) -> str:
    return f"{'log(1 + x)' if shape.curved else 'straight'}, x from {shape.least:g} to {shape.most:g}"


PAGE = """\
# Model card: young people at risk of being NEET

Written by `python -m initiatives.neet.train`; do not edit.

**Model**: `model.onnx`, sha256 `{digest}`.
Log-odds are a sum of one term a feature, so the terms that the graph returns as `contributions` are the exact
explanation of the score. The direction of each weight was fixed beforehand; a weight that came out the other way was
left out (0).

**Trained on** {learnt[young_people]} young people of synthetic regions ({learnt[neet]} became NEET), seeds
{learnt_seeds}; the features are counted by `services/scoring/features.py`.

**Judged on** {figures[young_people]} others ({figures[neet]} became NEET), seeds {held_out_seeds}:
AUC {figures[auc]}, average precision {figures[average_precision]}, Brier score {figures[brier]} (the base rate alone:
{figures[brier_of_the_base_rate]}). At the threshold {at[flagged]} are flagged: precision {at[precision]}, missed need
{at[missed_need]}.

| tenth by score | mean score | became NEET |
|---|---|---|
{calibration}

## Fairness

| group | young people | NEET | AUC | flagged | precision | missed need | false alarm rate | mean score |
|---|---|---|---|---|---|---|---|---|
{groups}

Neither sex nor language is a feature. Groups are small: a difference of a few hundredths is chance.

## Weights

| feature | weight (log-odds a unit of its shape) | shape |
|---|---|---|
{weights}

## Limits

{limits}
"""
