"""The baseline of lifetime value: customers go on spending at the mean rate since their first order."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.customers.features import FEATURES

REVENUE: Final = list(FEATURES).index("revenue")
TENURE: Final = list(FEATURES).index("tenure_days")


@dataclass(frozen=True)
class MeanRateBaseline:
    """Spend per day since the first order, times the days of the horizon."""

    horizon_days: int

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Expected spend, (customers,), of features (customers, at least len(FEATURES)).

        The rate is the mean over the tenure, or over the horizon where that is longer.
        """
        spent, tenure = features[:, REVENUE], features[:, TENURE]
        return np.asarray(spent / np.maximum(tenure, self.horizon_days) * self.horizon_days)
