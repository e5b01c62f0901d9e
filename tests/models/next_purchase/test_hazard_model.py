"""The model of the next order, on customers whose rule is known."""

from pathlib import Path

import numpy as np
import pytest

from models.next_purchase.calibration import OrderCalibration
from models.next_purchase.censored_customers import Followed
from models.next_purchase.hazard_curves import OrderCurves, interval_edges
from models.next_purchase.hazard_model import NextOrderModel, NextOrderParameters
from models.next_purchase.renewal_baseline import OwnRhythm
from tests.models.next_purchase.worlds import followed, memoryless, rhythmic

EDGES = interval_edges(100)
PARAMETERS = NextOrderParameters(trees=40)


def fitted(training: Followed, later: Followed, parameters: NextOrderParameters = PARAMETERS) -> NextOrderModel:
    return NextOrderModel.fit([training], later, OwnRhythm.fit([training], 40), EDGES, parameters, seed=7, threads=1)


def baseline_score(training: Followed, later: Followed, test: Followed) -> float:
    rhythm = OwnRhythm.fit([training], 40)
    calibration = OrderCalibration.fit(rhythm.curves(later.numbers, EDGES), later, 0.2)
    return float(calibration.applied(rhythm.curves(test.numbers, EDGES)).crps_days(test.next_days).mean())


def shuffled(world: Followed, seed: int) -> Followed:
    order = np.random.default_rng(seed).permutation(len(world.next_days))
    return Followed(world.numbers, world.next_days[order], world.followed_days, world.day_fraction)


@pytest.fixture(scope="module")
def model() -> NextOrderModel:
    return fitted(rhythmic(3000, 1), rhythmic(3000, 2))


def test_every_30_days_and_last_10_days_ago_is_due_in_20(model: NextOrderModel) -> None:
    asked = followed(np.array([10.0]), np.array([30.0]), np.array([np.inf]))
    curves = model.curves(asked.numbers)
    low, middle, high = (curves.days_until(getattr(model.calibration, level))[0] for level in ("low", "middle", "high"))
    assert middle == pytest.approx(20, abs=3)
    assert low < 20 < high
    assert high - low < 20


def test_the_range_holds_8_of_10_orders(model: NextOrderModel) -> None:
    test = rhythmic(3000, 3)
    came = np.flatnonzero(np.isfinite(test.next_days))
    curves = model.curves(test.numbers[came])
    days = test.next_days[came]
    inside = (curves.days_until(model.calibration.low) <= days) & (days <= curves.days_until(model.calibration.high))
    assert inside.mean() == pytest.approx(0.8, abs=0.06)  # ranges are of whole dates, these of instants


def test_longer_silence_past_the_gap_never_brings_a_date_in_the_past(model: NextOrderModel) -> None:
    silent = followed(np.array([30.0, 90.0, 900.0]), np.full(3, 30.0), np.full(3, np.inf))
    curves = model.curves(silent.numbers)
    assert (curves.days_until(0.0) >= 0).all()
    chances = curves.chance_within(30)
    assert chances[0] > chances[2]


def test_shuffled_orders_teach_less_than_the_own_rhythm_knows() -> None:
    training, later, test = rhythmic(1500, 1), rhythmic(1500, 2), rhythmic(1500, 3)
    learnt = fitted(training, later).curves(test.numbers).crps_days(test.next_days).mean()
    nonsense = fitted(shuffled(training, 4), shuffled(later, 5)).curves(test.numbers).crps_days(test.next_days).mean()
    own = baseline_score(training, later, test)
    assert nonsense > own * 1.1
    assert learnt < own * 1.05


def test_where_there_is_nothing_to_know_nothing_is_found() -> None:
    training, later, test = (memoryless(1500, seed) for seed in (1, 2, 3))
    learnt = fitted(training, later).curves(test.numbers).crps_days(test.next_days).mean()
    truth = OrderCurves(EDGES, np.tile(EDGES / 50, (1500, 1))).crps_days(test.next_days).mean()
    assert truth * 0.99 < learnt < truth * 1.03


def test_a_part_of_the_rows_tells_the_same_chances() -> None:
    training, later = memoryless(4000, 1), memoryless(2000, 2)
    some = fitted(training, later, NextOrderParameters(trees=20, max_training_rows=4000))
    assert some.curves(later.numbers).chance_within(30).mean() == pytest.approx(1 - np.exp(-30 / 50), abs=0.03)


def test_what_is_written_is_what_is_read(model: NextOrderModel, tmp_path: Path) -> None:
    model.write(tmp_path, {"horizon_days": 100})
    assert {path.suffix for path in tmp_path.iterdir()} == {".txt", ".json"}
    asked = rhythmic(20, 9).numbers
    assert (NextOrderModel.read(tmp_path).curves(asked).hazards == model.curves(asked).hazards).all()


@pytest.mark.parametrize("wrong", [{"longest_days": 29}, {"least_chance": 1.0}, {"snapshots": 0}])
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NextOrderParameters(**wrong)  # type: ignore[arg-type]
