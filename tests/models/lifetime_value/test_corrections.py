"""Corrections learn what the BTYD forecast cannot know, keep its totals, and learn nothing from noise."""

from dataclasses import replace

import numpy as np
import pytest

from models.lifetime_value.cases import Expectation, ValueCases
from models.lifetime_value.corrections import Corrections
from models.lifetime_value.metrics import spend_deviance
from models.protocol import FitContext
from tests.models.lifetime_value.worlds import PARAMETERS, UNIT_PRICE, world


@pytest.fixture(scope="module")
def corrections() -> Corrections:
    return Corrections.fit(world(4000, seed=0), PARAMETERS, FitContext(seed=1))


@pytest.fixture(scope="module")
def test_cases() -> ValueCases:
    return world(4000, seed=1)


def test_an_effect_that_histories_do_not_show_is_learned(corrections: Corrections, test_cases: ValueCases) -> None:
    expected = corrections.predict(test_cases.inputs)
    cheap = test_cases.inputs.features[:, UNIT_PRICE] < 10
    assert expected.orders[cheap].mean() > 2.5 * expected.orders[~cheap].mean()
    assert expected.probability[cheap].mean() == pytest.approx((test_cases.orders[cheap] > 0).mean(), abs=0.04)
    order_value = expected.spend / expected.orders
    assert order_value[cheap].mean() == pytest.approx(10, rel=0.15)
    assert order_value[~cheap].mean() == pytest.approx(20, rel=0.15)
    alone = Expectation.of_btyd(test_cases.inputs.btyd)
    assert spend_deviance(test_cases.spend, expected.spend) < 0.95 * spend_deviance(test_cases.spend, alone.spend)


def test_contributions_name_the_feature_and_add_up_to_the_spend(
    corrections: Corrections, test_cases: ValueCases
) -> None:
    inputs = test_cases.inputs.subset(np.arange(300))
    contributions = corrections.explain(inputs.features)
    assert np.abs(contributions).mean(axis=0).argmax() == UNIT_PRICE
    log_spend = np.log(corrections.predict(inputs).spend)
    assert np.ptp(log_spend - contributions.sum(axis=1)) < 1e-9


def test_calibrated_the_total_of_orders_is_that_of_the_btyd_forecast(
    corrections: Corrections, test_cases: ValueCases
) -> None:
    assert test_cases.orders.mean() > 1.2  # BTYD expects 1
    calibrated = corrections.calibrated(test_cases.inputs).predict(test_cases.inputs)
    assert calibrated.orders.mean() == pytest.approx(1.0, rel=0.01)


def test_calibrated_the_mean_probability_is_that_of_the_spread_orders(
    corrections: Corrections, test_cases: ValueCases
) -> None:
    # BTYD expects one order of everybody, with a probability of .5, whose odds are 1.
    calibrated = corrections.calibrated(test_cases.inputs).predict(test_cases.inputs).probability
    poisson = 1 - np.exp(-1)
    midway = np.sqrt(poisson / (1 - poisson))
    assert calibrated.mean() == pytest.approx(midway / (1 + midway), abs=0.001)
    before = corrections.predict(test_cases.inputs).probability
    assert (np.argsort(calibrated, kind="stable") == np.argsort(before, kind="stable")).all()


def test_shuffled_outcomes_teach_nothing(test_cases: ValueCases) -> None:
    training = world(4000, seed=0)
    rows = np.random.default_rng(3).permutation(4000)
    shuffled = replace(training, orders=training.orders[rows], spend=training.spend[rows])
    expected = Corrections.fit(shuffled, PARAMETERS, FitContext(seed=1)).predict(test_cases.inputs)
    cheap = test_cases.inputs.features[:, UNIT_PRICE] < 10
    assert expected.orders[cheap].mean() == pytest.approx(expected.orders[~cheap].mean(), rel=0.1)
