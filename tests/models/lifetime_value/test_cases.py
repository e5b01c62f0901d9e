"""Cases are concatenated in order and sampled without losing what belongs together."""

import numpy as np
import pytest

from contracts.errors import InputError
from models.lifetime_value.cases import Expectation, ValueCases, ValueParameters
from tests.models.lifetime_value.worlds import world


def test_concatenated_cases_keep_their_order_and_a_sample_its_rows() -> None:
    parts = [world(30, seed=seed) for seed in (0, 1)]
    cases = ValueCases.concatenated(parts)
    assert cases.orders.tolist() == [*parts[0].orders, *parts[1].orders]
    assert cases.sampled(60, seed=1) is cases
    sampled = cases.sampled(20, seed=1)
    rows = [np.flatnonzero((cases.inputs.features == row).all(axis=1))[0] for row in sampled.inputs.features]
    assert sorted(rows) == rows
    assert sampled.spend.tolist() == cases.spend[rows].tolist()
    assert len(sampled.inputs.btyd.orders) == len(sampled.inputs) == 20


def test_the_btyd_forecast_expects_orders_times_their_value() -> None:
    inputs = world(3, seed=0).inputs
    assert Expectation.of_btyd(inputs.btyd).spend.tolist() == [20.0] * 3


@pytest.mark.parametrize("wrong", [{"test_days": 0}, {"snapshots": 1}])
def test_impossible_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        ValueParameters(**wrong)  # type: ignore[arg-type]
