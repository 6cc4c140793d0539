"""Trains the model on synthetic regions and writes it, its card and its hash: ``python -m initiatives.neet.train``.

The regions it learns from and the ones it is judged on have other seeds than the demo's. The features are counted by
the code that scoring runs, from the events that ingest would accept, linked by the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from re import sub

import numpy as np
from sklearn.linear_model import LogisticRegression

from initiatives.neet.card import judged, write_card
from initiatives.neet.glassbox import Floats, GlassBox, Shape, score, shaped, to_onnx
from region import Region, generate
from services.scoring.features import EMPTY, Features
from shared.contracts.records import Fact
from shared.initiatives import Initiative

HERE = Path(__file__).parent
TRAINING_SEEDS = tuple(range(101, 113))
HELD_OUT_SEEDS = (201, 202, 203, 204)
PEOPLE = 20_000
STRENGTH = 0.05

# What of each feature is weighed. Caps keep one bad record from deciding a score.
SHAPES = (
    Shape("year_group", 9, 13, curved=False, sign=1),
    Shape("sessions_missed_28", 0, 40, curved=True, sign=1),
    Shape("sessions_missed_84", 0, 120, curved=False, sign=1),
    Shape("unauthorised_84", 0, 60, curved=True, sign=1),
    Shape("sessions_late_84", 0, 40, curved=True, sign=1),
    Shape("days_excluded_84", 0, 15, curved=True, sign=1),
    Shape("school_moves_84", 0, 2, curved=False, sign=1),
    Shape("attainment", 20, 60, curved=False, sign=-1),
    Shape("offer", 0, 1, curved=False, sign=-1),
    Shape("free_meals", 0, 1, curved=False, sign=1),
    Shape("aln", 0, 1, curved=False, sign=1),
    Shape("home_moves_84", 0, 2, curved=False, sign=1),
    Shape("rent_arrears_84", 0, 12, curved=True, sign=1),
    Shape("police_missing_84", 0, 4, curved=True, sign=1),
    Shape("police_incidents_84", 0, 4, curved=True, sign=1),
    Shape("youth_justice_84", 0, 15, curved=True, sign=1),
    Shape("care_referrals_84", 0, 4, curved=True, sign=1),
    Shape("care_plan", 0, 3, curved=False, sign=1),
    Shape("emergency_attendances_84", 0, 4, curved=True, sign=1),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Young people of one or more regions: float (n, k) features, bool (n,) outcomes, and the groups of each."""

    features: Floats
    neet: np.ndarray[tuple[int], np.dtype[np.bool_]]
    groups: Mapping[str, Sequence[str]]


def sample(initiative: Initiative, seeds: Sequence[int], people: int = PEOPLE) -> Sample:
    """The young people of the regions of these seeds."""
    compiled = Features(initiative.statement.data.features)
    parts = [_of_region(compiled, generate(seed, people)) for seed in seeds]
    groups = {name: [group for part in parts for group in part.groups[name]] for name in parts[0].groups}
    return Sample(np.vstack([p.features for p in parts]), np.concatenate([p.neet for p in parts]), groups)


def _of_region(compiled: Features, region: Region) -> Sample:
    """Features of each pupil who has an outcome, as of midnight after the last day."""
    pupils = [pupil for pupil in region.pupils if pupil.person.id in region.outcomes]
    states = {pupil.person.id: EMPTY for pupil in pupils}
    for event, expected in zip(region.events, region.expected, strict=True):
        if expected.verdict == "accepted" and compiled.reads(event.type) and isinstance(event.data, dict):
            person = region.truth.people[event.partner, event.data["person"].get("id", event.id)]
            if person in states:
                facts = _kept(event.data["facts"], expected.dropped)
                states[person] += compiled.tiles(event.type, datetime.fromisoformat(event.time), facts)
    end = datetime.combine(region.world.start, time(), UTC) + timedelta(days=region.world.days)
    vectors = compiled.evaluated(list(states.values()), [end] * len(states)).vectors
    neet = np.array([region.outcomes[pupil.person.id].neet for pupil in pupils])
    groups: dict[str, Sequence[str]] = {
        "sex": [p.person.sex for p in pupils],
        "language": [p.person.language for p in pupils],
    }
    return Sample(vectors.astype(np.float64), neet, groups)


def _kept(facts: Mapping[str, Fact], dropped: Sequence[str]) -> Mapping[str, Fact]:
    return {name: value for name, value in facts.items() if f"data.facts.{name}" not in dropped}


def fit(young: Sample, names: Sequence[str]) -> GlassBox:
    """Logistic regression on the shaped features, each scaled by its spread; a weight of the wrong sign is left out.

    Raises ``ValueError`` when ``SHAPES`` and the features of ``initiative.yaml`` are not the same.
    """
    if [shape.feature for shape in SHAPES] != list(names):
        raise ValueError(f"SHAPES and initiative.yaml disagree: {[s.feature for s in SHAPES]} and {list(names)}")
    x = shaped(SHAPES, young.features)
    centres, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    signs = np.array([shape.sign for shape in SHAPES])
    weights, used, base = np.zeros(len(SHAPES)), np.ones(len(SHAPES), bool), 0.0
    while used.any():
        fitted = LogisticRegression(C=STRENGTH, max_iter=2000).fit(((x - centres) / spread)[:, used], young.neet)
        weights[:], base = 0.0, float(fitted.intercept_[0])
        weights[used] = fitted.coef_[0] / spread[used]
        wrong = weights * signs < 0
        if not wrong.any():
            break
        used &= ~wrong
    return GlassBox(SHAPES, weights, centres, base, list(names).index("year_group"))


def main() -> None:
    """Train, judge on regions not seen, write the model, the card and the hash."""
    initiative = Initiative.load(HERE)
    names = [feature.name for feature in initiative.statement.data.features]
    learnt, held_out = sample(initiative, TRAINING_SEEDS), sample(initiative, HELD_OUT_SEEDS)
    model = fit(learnt, names)
    content = to_onnx(model, names)
    digest = sha256(content).hexdigest()
    (HERE / "model.onnx").write_bytes(content)
    statement = HERE / "initiative.yaml"
    statement.write_text(sub(r'(sha256: ")[0-9a-f]{64}', rf"\g<1>{digest}", statement.read_text()))
    figures = judged(score(model, held_out.features), held_out.neet, held_out.groups, initiative.thresholds.raise_at)
    learning = {"seeds": list(TRAINING_SEEDS), "young_people": len(learnt.neet), "neet": int(learnt.neet.sum())}
    write_card(HERE, model, digest, learning, list(HELD_OUT_SEEDS), figures)


if __name__ == "__main__":
    main()
