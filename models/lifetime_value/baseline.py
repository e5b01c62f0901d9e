"""The baseline of lifetime value: customers go on ordering and spending at the mean rate since their first order."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.btyd.model import MIN_ORDERS, MIN_PROBABILITY, BTYDForecast
from models.customers.features import FEATURES

MEAN_RATE: Final = "mean_rate"  # in the place of the BTYD model's name
REVENUE: Final = list(FEATURES).index("revenue")
ORDER_DAYS: Final = list(FEATURES).index("order_days")
TENURE: Final = list(FEATURES).index("tenure_days")


@dataclass(frozen=True)
class MeanRateBaseline:
    """Orders and spend per day since the first order, times the days of the horizon."""

    horizon_days: int

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Expected spend, (customers,), of features (customers, at least len(FEATURES)).

        The rate is the mean over the tenure, or over the horizon where that is longer.
        """
        return self._of_horizon(features, REVENUE)

    def forecast(self, features: np.ndarray) -> BTYDForecast:
        """The same as a forecast of orders, which come at random, and their mean value."""
        orders = np.maximum(self._of_horizon(features, ORDER_DAYS), MIN_ORDERS)
        probability = np.clip(-np.expm1(-orders), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        return BTYDForecast(
            probability, np.full(len(orders), 1 - MIN_PROBABILITY), orders, self.predict(features) / orders
        )

    def _of_horizon(self, features: np.ndarray, column: int) -> np.ndarray:
        rate = features[:, column] / np.maximum(features[:, TENURE], self.horizon_days)
        return np.asarray(rate * self.horizon_days)
