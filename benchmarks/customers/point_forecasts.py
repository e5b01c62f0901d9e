"""Numbers of orders that suit other errors than the mean does: of a geometric number of orders, if there are any."""

from typing import Final

import numpy as np

MIN_PROBABILITY: Final = 1e-9
HALVINGS: Final = 30


def point_orders(probability: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """A forecast of orders with small absolute and squared errors and the total of the mean, (customers,).

    The mean is best for squared errors and totals, but absolute errors favour 0 for customers who will probably not
    order. Among the forecasts of the same total, this one minimises the expected |error| + error^2, where the orders,
    if there are any, are geometric. It lowers small means and raises large ones. `probability` is that of an order.
    """
    probability = np.minimum(probability, mean)
    if_any = np.maximum(mean / np.maximum(probability, MIN_PROBABILITY), 1.0)

    def forecast(multiplier: float) -> np.ndarray:
        low, high = np.zeros(len(mean)), mean + 1.0 + abs(multiplier)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            more = probability * (1 - 1 / if_any) ** np.floor(middle)  # P(more than that many orders)
            is_high = 2 * (1 - more) - 1 + 2 * (middle - mean) > multiplier
            low, high = np.where(is_high, low, middle), np.where(is_high, middle, high)
        return high

    low, high = -1.0, 1.0
    for _ in range(HALVINGS):
        multiplier = (low + high) / 2
        low, high = (multiplier, high) if forecast(multiplier).sum() < mean.sum() else (low, multiplier)
    return forecast((low + high) / 2)


def median_orders(probability: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The median number of orders, where those, if there are any, are geometric, (customers,) of whole numbers."""
    probability = np.minimum(probability, mean)
    if_any = np.maximum(mean / np.maximum(probability, MIN_PROBABILITY), 1.0)
    again = np.maximum(1 - 1 / if_any, MIN_PROBABILITY)  # P(one more order), after an order
    # The smallest number that is exceeded with a probability of at most one half.
    return np.asarray(np.ceil(np.maximum(np.log(2 * np.maximum(probability, 0.5)) / -np.log(again), 0.0)))
