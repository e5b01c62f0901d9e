"""Nested evaluation on experiments with and without an effect."""

from dataclasses import replace

import numpy as np
import pytest

from models.protocol import FitContext
from models.uplift.evaluation import OURS, UpliftEvaluation, evaluate
from models.uplift.experiment import ExperimentData
from models.uplift.meta_learners import LEARNERS, RESPONSE_MODEL
from models.uplift.model import UpliftParameters
from tests.models.uplift.worlds import persuadables, unmoved

PARAMETERS = UpliftParameters(trees=40, learning_rate=0.08, folds=2, judging_folds=2)


def evaluated(experiment: ExperimentData) -> UpliftEvaluation:
    return evaluate(experiment, PARAMETERS, FitContext(seed=1))


@pytest.fixture(scope="module")
def moved() -> tuple[ExperimentData, UpliftEvaluation]:
    experiment = persuadables(4000)[0]
    return experiment, evaluated(experiment)


def test_a_true_effect_is_found_and_significant(moved: tuple[ExperimentData, UpliftEvaluation]) -> None:
    evaluation = moved[1]
    ours, response = evaluation.metrics(OURS), evaluation.metrics(RESPONSE_MODEL)
    assert (ours["qini"] or 0) > (response["qini"] or 0) + 0.02
    assert ours["uplift_at_30"] == pytest.approx(0.2, abs=0.05)
    significance = evaluation.significance(1)
    assert (significance["qini_low"] or 0) > 0
    assert (significance["chance_no_better"] or 0) < 0.1
    assert {choice.method for choice in evaluation.choices} <= set(LEARNERS)


def test_without_an_effect_nothing_is_significant() -> None:
    evaluation = evaluated(unmoved(4000))
    assert evaluation.metrics(OURS)["qini"] == pytest.approx(0, abs=0.05)
    assert (evaluation.significance(1)["chance_no_better"] or 0) > 0.1


def test_the_rows_of_a_part_do_not_change_its_own_scores(moved: tuple[ExperimentData, UpliftEvaluation]) -> None:
    experiment, evaluation = moved
    part = experiment.folds(PARAMETERS.judging_folds, seed=1) == 0
    changed = evaluated(replace(experiment, weight=np.where(part & (experiment.outcome == 1), 5.0, 1.0)))
    assert np.array_equal(evaluation.ranks[OURS][part], changed.ranks[OURS][part])
    assert not np.array_equal(evaluation.ranks[OURS][~part], changed.ranks[OURS][~part])  # the control
