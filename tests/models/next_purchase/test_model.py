"""The hazard model on customers who follow a known rule."""

import json
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import BundleRefused, InputError
from models.next_purchase.calibration import HazardCalibration
from models.next_purchase.censored_customers import CensoredCustomers
from models.next_purchase.hazard_curves import HazardCurves, interval_edges
from models.next_purchase.model import HazardData, HazardModel, NextOrderParameters
from models.next_purchase.renewal_baseline import RenewalBaseline
from models.protocol import FitContext
from tests.models.next_purchase.worlds import memoryless, observed, renewing

EDGES = interval_edges(100)
PARAMETERS = NextOrderParameters(trees=40)


def fitted(
    training: CensoredCustomers, later: CensoredCustomers, parameters: NextOrderParameters = PARAMETERS
) -> HazardModel:
    data = HazardData([training], later, median_gap_days=40, horizon_days=100)
    return HazardModel.fit(data, parameters, FitContext())


def baseline_score(training: CensoredCustomers, later: CensoredCustomers, test: CensoredCustomers) -> float:
    baseline = RenewalBaseline.fit([training], 40)
    calibration = HazardCalibration.fit(baseline.curves(later.features, EDGES), later, 0.2)
    return float(calibration.apply(baseline.curves(test.features, EDGES)).crps_days(test.event_days).mean())


def score(model: HazardModel, test: CensoredCustomers) -> float:
    return float(model.predict(test.features).crps_days(test.event_days).mean())


def shuffled(customers: CensoredCustomers, seed: int) -> CensoredCustomers:
    order = np.random.default_rng(seed).permutation(len(customers.event_days))
    return CensoredCustomers(
        customers.features, customers.event_days[order], customers.follow_up_days, customers.day_fraction
    )


@pytest.fixture(scope="module")
def model() -> HazardModel:
    return fitted(renewing(1500, 1), renewing(1500, 2))


def test_every_30_days_and_last_10_days_ago_is_due_in_20(model: HazardModel) -> None:
    asked = observed(np.array([10.0]), np.array([30.0]), np.array([np.inf]))
    curves = model.predict(asked.features)
    low, high = (curves.quantile_days(level)[0] for level in (model.calibration.low, model.calibration.high))
    assert curves.median_days()[0] == pytest.approx(20, abs=3)
    assert low < 20 < high
    assert high - low < 20


def test_the_range_holds_8_of_10_orders(model: HazardModel) -> None:
    test = renewing(3000, 3)
    ordered = test.subset(np.flatnonzero(np.isfinite(test.event_days)))
    curves = model.predict(ordered.features)
    low, high = (curves.quantile_days(level) for level in (model.calibration.low, model.calibration.high))
    inside = (low <= ordered.event_days) & (ordered.event_days <= high)
    assert inside.mean() == pytest.approx(0.8, abs=0.06)  # ranges are of whole dates, these of instants


def test_an_overdue_order_is_never_expected_in_the_past(model: HazardModel) -> None:
    overdue = observed(np.array([30.0, 90.0, 900.0]), np.full(3, 30.0), np.full(3, np.inf))
    curves = model.predict(overdue.features)
    assert (curves.quantile_days(0.0) >= 0).all()
    probability = curves.event_probability(30)
    assert probability[0] > probability[2]


def test_shuffled_orders_teach_less_than_the_baseline_knows(model: HazardModel) -> None:
    training, later, test = renewing(1500, 1), renewing(1500, 2), renewing(1500, 3)
    baseline = baseline_score(training, later, test)
    assert score(fitted(shuffled(training, 4), shuffled(later, 5)), test) > baseline * 1.1
    assert score(model, test) < baseline * 1.05


def test_where_there_is_nothing_to_learn_the_rate_is_found() -> None:
    training, later, test = (memoryless(1500, seed) for seed in (1, 2, 3))
    truth = HazardCurves(EDGES, np.tile(EDGES / 50, (1500, 1))).crps_days(test.event_days).mean()
    assert truth * 0.99 < score(fitted(training, later), test) < truth * 1.03


def test_a_sample_of_the_rows_gives_the_same_probabilities() -> None:
    training, later = memoryless(4000, 1), memoryless(2000, 2)
    some = fitted(training, later, NextOrderParameters(trees=20, max_training_rows=4000))
    assert some.predict(later.features).event_probability(30).mean() == pytest.approx(1 - np.exp(-30 / 50), abs=0.03)


def test_write_and_read(model: HazardModel, tmp_path: Path) -> None:
    model.write(tmp_path, {"horizon_days": 100})
    assert {path.suffix for path in tmp_path.iterdir()} == {".txt", ".json"}
    asked = renewing(20, 9).features
    assert (HazardModel.read(tmp_path).predict(asked).hazards == model.predict(asked).hazards).all()


def test_a_model_of_other_features_is_refused(model: HazardModel, tmp_path: Path) -> None:
    model.write(tmp_path, {})
    path = tmp_path / "parameters.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps(stored | {"features": stored["features"][::-1]}))
    with pytest.raises(BundleRefused, match="other features than this version"):
        HazardModel.read(tmp_path)


@pytest.mark.parametrize("wrong", [{"longest_days": 29}, {"least_chance": 1.0}, {"snapshots": 0}])
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        NextOrderParameters(**wrong)  # type: ignore[arg-type]
