"""The interval of spend covers at its nominal rate."""

import json

import pytest

from models.lifetime_value.interval import ValueInterval
from tests.models.lifetime_value.worlds import spends


def test_the_interval_covers_spend_at_its_nominal_rate() -> None:
    interval = ValueInterval.fit(*spends(6000, seed=0))
    orders, expected, spend = spends(6000, seed=1)
    low, high = interval.between(orders, expected)
    within = (spend >= low) & (spend <= high)
    assert within.mean() == pytest.approx(0.8, abs=0.03)
    for group in (orders < 2, orders >= 2):
        assert within[group].mean() == pytest.approx(0.8, abs=0.04)
    assert ((low <= expected) & (expected <= high)).all()


def test_of_few_cases_the_interval_contains_the_farthest() -> None:
    orders, expected, spend = spends(3, seed=0)
    assert ValueInterval.fit(orders, expected, spend).high == (max(spend / expected),)


def test_it_survives_json() -> None:
    interval = ValueInterval.fit(*spends(500, seed=0))
    assert ValueInterval.from_json(json.loads(json.dumps(interval.to_json()))) == interval
