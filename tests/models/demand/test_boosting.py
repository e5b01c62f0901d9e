"""Trees learn relative sales; learners fit the density of the series; early stopping takes the least loss."""

import numpy as np
import pytest

from models.demand.boosting import (
    LEARNERS,
    Boosting,
    BoostingParameters,
    best_rounds,
    fit_boosting,
    learners_for,
    round_losses,
)
from models.demand.rows import Rows

ROWS = 800
RANDOM = np.random.default_rng(0)
OFFER = RANDOM.integers(0, 2, ROWS).astype(np.float32)
LEVEL = np.exp(RANDOM.uniform(0, 4, ROWS))
UNITS = LEVEL * (1 + OFFER)
FEATURES = np.column_stack([OFFER, RANDOM.random(ROWS)]).astype(np.float32)
PARAMETERS = BoostingParameters(rounds=40, min_rows_per_leaf=10, feature_share=1.0)


def rows(scale: float = 1.0) -> Rows:
    index = np.arange(ROWS)
    return Rows(FEATURES, ("offer", "noise"), index, index, index, LEVEL * scale, LEVEL * scale, LEVEL * scale)


BOOSTING = fit_boosting(rows(), UNITS, np.ones(ROWS, dtype=bool), LEARNERS, {}, PARAMETERS, seed=7, threads=1)


@pytest.mark.parametrize("learner", [learner.name for learner in LEARNERS])
def test_each_learner_finds_the_lift_of_an_offer(learner: str) -> None:
    found = BOOSTING.predict(rows(), learner) / LEVEL
    lift = found[OFFER > 0].mean() / found[OFFER == 0].mean()
    assert lift == pytest.approx(2, rel=0.2)


def test_ten_times_the_level_forecasts_ten_times_the_units() -> None:
    for name in BOOSTING.boosters:
        np.testing.assert_allclose(BOOSTING.predict(rows(10), name), 10 * BOOSTING.predict(rows(), name))


def test_dense_series_get_a_logarithmic_learner_and_sparse_ones_another() -> None:
    names = [[learner.name for learner in learners_for(np.full(10, dense))] for dense in (True, False)]
    assert names == [["log_trees"], ["trees"]]
    assert learners_for(np.arange(10) < 5) == LEARNERS


def test_early_stopping_takes_the_least_loss_over_all_windows() -> None:
    losses = [{"trees": {10: 1.0, 20: 2.0, 40: 9.0}}, {"trees": {10: 5.0, 20: 2.0, 40: 1.0}}]
    assert best_rounds(losses) == {"trees": 20}
    of_rows = round_losses(BOOSTING, rows(), UNITS)
    assert set(of_rows["trees"]) == {6, 12, 20, 30, 40}
    assert best_rounds([of_rows])["trees"] > 6  # the trees still improve


def test_rounds_that_were_chosen_are_used() -> None:
    few = Boosting(BOOSTING.boosters, {"trees": 6})
    np.testing.assert_array_equal(few.predict(rows(), "trees"), BOOSTING.predict(rows(), "trees", 6))
