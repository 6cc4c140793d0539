"""The initiative "neet": its statement, its words, and a model whose explanation is its score."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from initiatives.neet.glassbox import GlassBox, score, terms, to_onnx
from initiatives.neet.train import SHAPES, fit, sample
from services.scoring.model import Model
from shared.access import Agreements
from shared.initiatives import Initiative

ROOT = Path(__file__).parents[2]
NEET = Initiative.load(ROOT / "initiatives" / "neet")
NAMES = [feature.name for feature in NEET.statement.data.features]
DEFAULTS = np.array([[feature.default for feature in NEET.statement.data.features]], np.float32)


def model() -> Model:
    return Model(NEET.model(), NAMES)


def young_person(**features: float) -> np.ndarray:
    """(1, k) features: nothing known but the school year, and what is given."""
    vector = DEFAULTS.copy()
    for name, value in {"year_group": 11.0, **features}.items():
        vector[0, NAMES.index(name)] = value
    return vector


def test_every_agreement_that_covers_its_events_allows_its_purpose() -> None:
    for agreement in Agreements.load(ROOT / "agreements").by_name.values():
        if set(agreement.events) & set(NEET.statement.data.events):
            assert NEET.purpose in agreement.purposes


def test_every_fact_that_a_feature_reads_is_in_an_agreement() -> None:
    facts = {
        (event, fact)
        for agreement in Agreements.load(ROOT / "agreements").by_name.values()
        for event, named in agreement.events.items()
        for fact in named.facts
    }
    for feature in NEET.statement.data.features:
        for event in feature.events:
            for fact in (feature.fact, feature.over, *feature.where):
                assert fact is None or (event, fact) in facts


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_is_said_in_english_and_in_welsh_with_its_value(name: str) -> None:
    english, welsh = NEET.reason(name, 14.0, "en"), NEET.reason(name, 14.0, "cy")
    assert "14" in english
    assert "14" in welsh
    assert english != welsh


def test_the_statement_s_reason_reads_as_people_say_it() -> None:
    assert NEET.reason("sessions_missed_28", 14.0, "en") == "Missed 14 school sessions in 28 days"
    assert NEET.reason("sessions_missed_28", 14.0, "cy") == "Wedi colli 14 sesiwn ysgol mewn 28 diwrnod"


def test_pupils_are_routed_by_the_area_of_their_school() -> None:
    assert NEET.team("east") == "youth-east"
    assert NEET.team("west") == "youth-west"
    assert NEET.team(None) == NEET.routing.otherwise


@given(arrays(np.float32, (7, len(NAMES)), elements=st.floats(-1000, 1000, width=32)))
def test_the_contributions_add_up_to_the_score(features: np.ndarray) -> None:
    found = model().score(features)
    base = NEET.card["base"]
    again = 1 / (1 + np.exp(-(base + found.contributions.astype(np.float64).sum(axis=1))))
    np.testing.assert_allclose(found.score, again, atol=2e-5)


def test_nobody_outside_the_school_years_it_was_trained_for_is_scored() -> None:
    in_trouble = {"sessions_missed_84": 60.0, "sessions_missed_28": 25.0, "care_plan": 2.0}
    years = {year: float(model().score(young_person(year_group=year, **in_trouble)).score[0]) for year in range(15)}
    assert all(years[year] > NEET.thresholds.raise_at for year in range(9, 14))
    assert all(years[year] < 0.001 for year in (0, 1, 5, 8, 14))


@pytest.mark.parametrize(("feature", "sign"), [(s.feature, s.sign) for s in SHAPES if s.feature != "year_group"])
def test_more_of_what_is_bad_never_lowers_the_score(feature: str, sign: int) -> None:
    steps = np.vstack([young_person(**{feature: float(value)}) for value in range(61)])
    assert (np.diff(model().score(steps).score) * sign >= -1e-7).all()


def test_a_quiet_life_is_far_below_the_threshold_and_a_hard_one_above() -> None:
    quiet = young_person(sessions_missed_84=3, sessions_missed_28=1, attainment=60)
    hard = young_person(sessions_missed_84=55, sessions_missed_28=24, unauthorised_84=20, attainment=35, offer=0)
    assert model().score(quiet).score[0] < 0.05
    assert model().score(hard).score[0] > NEET.thresholds.raise_at


def test_the_card_is_of_this_model_and_was_judged_on_regions_it_had_not_seen() -> None:
    card = NEET.card
    assert card["sha256"] == NEET.statement.model.sha256
    assert not set(card["trained_on"]["seeds"]) & set(card["judged_on"]["seeds"])
    assert card["judged_on"]["auc"] > 0.8
    assert card["judged_on"]["brier"] < card["judged_on"]["brier_of_the_base_rate"]
    assert card["sha256"] in (NEET.folder / "model_card.md").read_text()


def test_training_gives_a_graph_that_says_what_the_formula_says() -> None:
    """On one small region: the same bytes twice, and ONNX equal to numpy."""
    young = sample(NEET, [31], people=3000)
    fitted = fit(young, NAMES)
    content = to_onnx(fitted, NAMES)
    assert to_onnx(fit(young, NAMES), NAMES) == content
    found = Model(content, NAMES).score(young.features.astype(np.float32))
    np.testing.assert_allclose(found.score, score(fitted, young.features), atol=1e-5)
    np.testing.assert_allclose(found.contributions, terms(fitted, young.features), atol=1e-4)


def test_a_model_is_not_fitted_to_other_features_than_the_statement_s() -> None:
    young = sample(NEET, [31], people=1000)
    with pytest.raises(ValueError, match="disagree"):
        fit(young, NAMES[::-1])


def test_weights_are_only_of_the_direction_that_was_fixed() -> None:
    fitted: GlassBox = fit(sample(NEET, [32], people=3000), NAMES)
    for shape, weight in zip(fitted.shapes, fitted.weights, strict=True):
        assert weight * shape.sign >= 0
