"""What purchase histories alone let expect: orders at random are left as they are, concentrated ones are spread."""

import numpy as np
import pytest

from models.btyd.model import PurchaseOutlook


def outlook(probability: list[float], orders: list[float]) -> PurchaseOutlook:
    ones = np.ones(len(orders))
    return PurchaseOutlook(np.array(probability), ones / 2, np.array(orders), ones)


def test_orders_that_come_at_random_already_are_not_spread_further() -> None:
    orders = [0.01, 0.5, 3.0, 12.0]
    probability = -np.expm1(-np.array(orders))
    assert outlook(probability.tolist(), orders).spread_probability == pytest.approx(probability)


def test_orders_on_few_customers_are_spread_halfway_and_many_overflow_nothing() -> None:
    spread = outlook([0.2, 0.6], [1.0, 5000.0]).spread_probability
    assert 0.2 < spread[0] < 1 - np.exp(-1)
    odds = 0.25 * (np.exp(1) - 1)
    assert spread[0] == pytest.approx(np.sqrt(odds) / (1 + np.sqrt(odds)))
    assert spread[1] == pytest.approx(1.0)
