"""Stages and meta-learners: what each score is made of."""

import numpy as np
import pytest

from models.protocol import FitContext
from models.uplift.meta_learners import (
    CONTROL_OUTCOME,
    LOGISTIC,
    MEAN,
    RESPONSE_MODEL,
    SCORES,
    TREATED_OUTCOME,
    BaseLearner,
    LearnerParameters,
    S,
    StagePredictions,
    T,
    X,
    fit_stages,
    stages_of,
)
from tests.models.uplift.worlds import persuadables

EXPERIMENT = persuadables(800)[0]


@pytest.fixture(scope="module")
def stages() -> dict[str, BaseLearner]:
    return fit_stages(EXPERIMENT, SCORES, LearnerParameters(trees=10), FitContext(seed=1))


@pytest.fixture(scope="module")
def predictions(stages: dict[str, BaseLearner]) -> StagePredictions:
    return StagePredictions(stages, EXPERIMENT.features[:50], 0.5, threads=1)


def test_only_the_stages_needed_are_fitted() -> None:
    fitted = fit_stages(EXPERIMENT, [T, RESPONSE_MODEL], LearnerParameters(trees=2), FitContext(seed=1))
    assert fitted.keys() == stages_of([T, RESPONSE_MODEL]) == {TREATED_OUTCOME, CONTROL_OUTCOME}


def test_the_t_learner_is_the_difference_of_the_two_outcomes(predictions: StagePredictions) -> None:
    outcomes = predictions.of(TREATED_OUTCOME), predictions.of(CONTROL_OUTCOME)
    assert np.array_equal(SCORES[T](predictions), outcomes[0] - outcomes[1])
    assert np.array_equal(SCORES[RESPONSE_MODEL](predictions), outcomes[0])


def test_the_mean_is_of_the_four_learners(predictions: StagePredictions) -> None:
    four = [SCORES[method](predictions) for method in (S, T, X, LOGISTIC)]
    np.testing.assert_allclose(SCORES[MEAN](predictions), np.mean(four, axis=0))
    assert np.ptp(np.array(four), axis=0).min() > 0  # the control: they differ


def test_a_prediction_is_made_once(predictions: StagePredictions) -> None:
    assert predictions.of(CONTROL_OUTCOME) is predictions.of(CONTROL_OUTCOME)


def test_leaves_grow_with_the_rows_between_their_bounds() -> None:
    """A leaf of at least 600 of 800 rows leaves no split, so that everybody gets the mean."""
    parameters = LearnerParameters(trees=5, leaf_share=0.9, most_rows_per_leaf=600)
    stage = fit_stages(EXPERIMENT, [RESPONSE_MODEL], parameters, FitContext(seed=1))
    scores = StagePredictions(stage, EXPERIMENT.features, 0.5, 1).of(TREATED_OUTCOME)
    assert np.ptp(scores) == pytest.approx(0)
