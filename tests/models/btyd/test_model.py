"""The BTYD forecast: equal histories get equal forecasts, and concentrated orders are spread."""

from dataclasses import replace

import numpy as np
import pytest

from models.btyd.model import MODEL_NAMES, BTYDForecast, BTYDModel
from tests.models.btyd.worlds import customers


def forecast(probability: list[float], orders: list[float]) -> BTYDForecast:
    ones = np.ones(len(orders))
    return BTYDForecast(np.array(probability), ones / 2, np.array(orders), ones)


def test_orders_that_come_at_random_already_are_not_spread_further() -> None:
    orders = [0.01, 0.5, 3.0, 12.0]
    probability = -np.expm1(-np.array(orders))
    assert forecast(probability.tolist(), orders).spread_probability == pytest.approx(probability)


def test_orders_on_few_customers_are_spread_halfway_and_many_overflow_nothing() -> None:
    spread = forecast([0.2, 0.6], [1.0, 5000.0]).spread_probability
    assert 0.2 < spread[0] < 1 - np.exp(-1)
    odds = 0.25 * (np.exp(1) - 1)
    assert spread[0] == pytest.approx(np.sqrt(odds) / (1 + np.sqrt(odds)))
    assert spread[1] == pytest.approx(1.0)


@pytest.mark.parametrize("model_name", MODEL_NAMES)
def test_customers_of_equal_history_get_one_forecast_and_a_worthless_store_no_value(model_name: str) -> None:
    history = customers([0, 3, 3, 9], [0.0, 60.0, 60.0, 85.0], [90.0] * 4)
    free = replace(history, mean_value=np.zeros(4))
    forecast = BTYDModel.fit(history, model_name).predict(history, 30.0)
    assert forecast.probability[1] == forecast.probability[2]
    assert (np.diff(forecast.orders[[0, 1, 3]]) > 0).all()
    assert BTYDModel.fit(free, model_name).predict(free, 30.0).order_value.tolist() == [0.0] * 4
    assert forecast.subset(np.array([3, 0])).features.tolist() == forecast.features[[3, 0]].tolist()
