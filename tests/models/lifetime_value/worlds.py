"""Lifetime-value cases with a planted effect."""

import numpy as np

from models.btyd.model import BTYDForecast
from models.customers.features import MODEL_FEATURES
from models.lifetime_value.cases import ValueCases, ValueInputs, ValueParameters

NAMES = list(MODEL_FEATURES)
UNIT_PRICE = NAMES.index("unit_price")
PARAMETERS = ValueParameters(min_rows_per_leaf=50, trees=100, learning_rate=0.06)


def world(cases: int, seed: int, effect: float = 0.8) -> ValueCases:
    """BTYD expects one order of 20 of everybody; buyers of cheap items order more often, for half the money."""
    chance = np.random.default_rng(seed)
    features = chance.exponential(10, (cases, len(NAMES)))
    cheap = chance.random(cases) < 0.5
    features[:, UNIT_PRICE] = np.where(cheap, 5.0, 20.0)
    orders = chance.poisson(np.exp(np.where(cheap, effect, -effect))).astype(float)
    spend = orders * np.where(cheap, 10.0, 20.0) * chance.uniform(0.8, 1.2, cases)
    ones = np.ones(cases)
    btyd = BTYDForecast(0.5 * ones, 0.9 * ones, ones, 20 * ones)
    return ValueCases(ValueInputs(features, btyd), orders, spend, ones)


def spends(cases: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected orders, expected spend and actual spend: Poisson orders of exponential value."""
    chance = np.random.default_rng(seed)
    orders = np.exp(chance.uniform(-1, 3, cases))
    placed = chance.poisson(orders)
    return orders, orders * 20, chance.gamma(np.maximum(placed, 1e-9), 20) * (placed > 0)
