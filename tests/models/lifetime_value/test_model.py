"""The value model: corrects what histories alone expect, holds their level, survives files; intervals cover."""

from pathlib import Path

import numpy as np
import pytest

from models.btyd.model import BTYDForecast
from models.customers.features import MODEL_FEATURES
from models.lifetime_value.interval import ValueInterval
from models.lifetime_value.model import (
    Expectation,
    ValueCases,
    ValueForecaster,
    ValueModel,
    ValueParameters,
    median_orders,
    point_orders,
    spend_deviance,
)

NAMES = list(MODEL_FEATURES)
PARAMETERS = ValueParameters(min_rows_per_leaf=50)


def world(cases: int, seed: int, effect: float = 0.8) -> ValueCases:
    """Histories expect one order of 20 of everybody; buyers of cheap things order oftener, for half the money."""
    chance = np.random.default_rng(seed)
    features = chance.exponential(10, (cases, len(NAMES)))
    cheap = chance.random(cases) < 0.5
    features[:, NAMES.index("unit_price")] = np.where(cheap, 5.0, 20.0)
    orders = chance.poisson(np.exp(np.where(cheap, effect, -effect))).astype(float)
    spend = orders * np.where(cheap, 10.0, 20.0) * chance.uniform(0.8, 1.2, cases)
    ones = np.ones(cases)
    outlook = BTYDForecast(0.5 * ones, 0.9 * ones, ones, 20 * ones)
    return ValueCases(features, outlook, orders, spend, ones)


@pytest.fixture(scope="module")
def model() -> ValueModel:
    return ValueModel.fit(world(4000, seed=0), PARAMETERS, seed=1, threads=1)


def test_what_histories_do_not_know_is_learned(model: ValueModel) -> None:
    test = world(4000, seed=1)
    expected = model.expectation(test.features, test.outlook)
    cheap = test.features[:, NAMES.index("unit_price")] < 10
    assert expected.orders[cheap].mean() > 2.5 * expected.orders[~cheap].mean()
    assert expected.probability[cheap].mean() == pytest.approx((test.orders[cheap] > 0).mean(), abs=0.04)
    dearness = expected.spend / expected.orders
    assert dearness[cheap].mean() == pytest.approx(10, rel=0.15)
    assert dearness[~cheap].mean() == pytest.approx(20, rel=0.15)
    alone = Expectation.of_outlook(test.outlook)
    assert spend_deviance(test.spend, expected.spend) < 0.95 * spend_deviance(test.spend, alone.spend)


def test_levelled_the_orders_of_all_stay_the_histories(model: ValueModel) -> None:
    test = world(4000, seed=1)
    assert test.orders.mean() > 1.2  # of that season; histories expect 1
    levelled = model.levelled(test.features, test.outlook).expectation(test.features, test.outlook)
    assert levelled.orders.mean() == pytest.approx(1.0, rel=0.01)


def test_levelled_as_many_come_as_the_histories_expect_if_their_orders_are_spread(model: ValueModel) -> None:
    test = world(4000, seed=1)  # histories expect one order of everybody, with a probability of .5
    levelled = model.levelled(test.features, test.outlook).expectation(test.features, test.outlook).probability
    at_random = 1 - np.exp(-1)
    midway = np.sqrt(at_random / (1 - at_random))  # the odds of .5 are 1
    assert levelled.mean() == pytest.approx(midway / (1 + midway), abs=0.001)
    before = model.expectation(test.features, test.outlook).probability
    assert (np.argsort(levelled, kind="stable") == np.argsort(before, kind="stable")).all()


def test_shuffled_outcomes_teach_nothing() -> None:
    training, test = world(4000, seed=0), world(4000, seed=1)
    rows = np.random.default_rng(3).permutation(4000)
    shuffled = ValueCases(
        training.features, training.outlook, training.orders[rows], training.spend[rows], training.weight
    )
    expected = ValueModel.fit(shuffled, PARAMETERS, seed=1, threads=1).expectation(test.features, test.outlook)
    cheap = test.features[:, NAMES.index("unit_price")] < 10
    assert expected.orders[cheap].mean() == pytest.approx(expected.orders[~cheap].mean(), rel=0.1)


def test_the_expected_deviance_is_least_for_the_truth() -> None:
    chance = np.random.default_rng(0)
    spend = np.where(chance.random(20_000) < 0.3, chance.exponential(50, 20_000), 0.0)
    deviances = [spend_deviance(spend, np.full(len(spend), mean)) for mean in (10.0, 15.0, 22.0)]
    assert np.argmin(deviances) == 1


def skewed_orders(cases: int) -> tuple[Expectation, np.ndarray]:
    """Geometric orders of those who come, as half of all cases do with a small probability."""
    chance = np.random.default_rng(2)
    probability = np.where(chance.random(cases) < 0.7, 0.15, 0.8)
    if_any = np.where(probability > 0.5, 4.0, 1.3)
    orders = np.where(chance.random(cases) < probability, chance.geometric(1 / if_any), 0)
    return Expectation(probability, probability * if_any, probability * if_any), orders


def test_the_point_forecast_errs_less_absolutely_and_keeps_the_total() -> None:
    expected, orders = skewed_orders(20_000)
    point = point_orders(expected)
    assert point.sum() == pytest.approx(expected.orders.sum(), rel=0.01)
    assert np.abs(orders - point).mean() < 0.99 * np.abs(orders - expected.orders).mean()
    assert ((orders - point) ** 2).mean() < 1.05 * ((orders - expected.orders) ** 2).mean()


def test_the_point_forecast_keeps_the_order_of_the_expectations() -> None:
    mean = np.linspace(0.01, 12, 200)
    point = point_orders(Expectation(-np.expm1(-mean), mean, mean))
    assert (np.diff(point) >= -1e-6).all()


def spends(cases: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected orders and spend, and the spend that comes: Poisson orders of exponential value."""
    chance = np.random.default_rng(seed)
    orders = np.exp(chance.uniform(-1, 3, cases))
    came = chance.poisson(orders)
    return orders, orders * 20, chance.gamma(np.maximum(came, 1e-9), 20) * (came > 0)


def test_the_interval_covers_spend_at_its_nominal_rate() -> None:
    interval = ValueInterval.fit(*spends(6000, seed=0))
    orders, expected, spend = spends(6000, seed=1)
    low, high = interval.between(orders, expected)
    within = (spend >= low) & (spend <= high)
    assert within.mean() == pytest.approx(0.8, abs=0.03)
    for band in (orders < 2, orders >= 2):
        assert within[band].mean() == pytest.approx(0.8, abs=0.04)
    assert ((low <= expected) & (expected <= high)).all()


def test_of_few_cases_the_interval_holds_the_farthest() -> None:
    orders, expected, spend = spends(3, seed=0)
    assert ValueInterval.fit(orders, expected, spend).high == (max(spend / expected),)


def test_round_trip_through_files_without_pickle(model: ValueModel, tmp_path: Path) -> None:
    interval = ValueInterval.fit(*spends(500, seed=0))
    test = world(100, seed=5)
    for name, kept in {"corrected": model, "alone": None}.items():
        forecaster = ValueForecaster("pareto_nbd", kept, interval)
        forecaster.write(tmp_path / name, {"choice": name})
        assert {path.suffix for path in (tmp_path / name).iterdir()} <= {".txt", ".json"}
        again = ValueForecaster.read(tmp_path / name)
        assert again.interval == interval
        assert np.array_equal(
            again.expectation(test.features, test.outlook).spend,
            forecaster.expectation(test.features, test.outlook).spend,
        )


def test_nobody_to_score(model: ValueModel) -> None:
    nobody = world(0, seed=0)
    assert model.expectation(nobody.features, nobody.outlook).spend.shape == (0,)


@pytest.mark.parametrize("wrong", [{"test_days": 0}, {"snapshots": 1}])
def test_impossible_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ValueParameters(**wrong)  # type: ignore[arg-type]


def test_as_many_order_more_than_the_median_as_less() -> None:
    chance = np.random.default_rng(4)
    for probability, if_any in ((0.3, 2.0), (0.6, 1.5), (0.9, 5.0), (0.95, 1.0)):
        orders = np.where(chance.random(20_000) < probability, chance.geometric(1 / if_any, 20_000), 0)
        median = median_orders(np.array([probability]), np.array([probability * if_any]))
        assert median.tolist() == [np.median(orders)]
