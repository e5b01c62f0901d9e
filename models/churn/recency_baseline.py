"""The baseline of churn: recency alone. On many stores it ranks customers almost as well as any model."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from threadpoolctl import threadpool_limits

from models.churn.model import ChurnCases
from models.customers.features import MODEL_FEATURES
from models.statistics.calibration import Calibration, fit_calibration
from models.statistics.logistic_regression import LogisticModel

NO_PENALTY: Final = 1e6
RECENCY: Final = [list(MODEL_FEATURES).index("recency_days")]


@dataclass(frozen=True)
class RecencyBaseline:
    """Calibrated logistic regression on the logarithm of the days since the last order."""

    logistic: LogisticModel
    calibration: Calibration

    @classmethod
    def fit(cls, cases: ChurnCases) -> Self:
        """Fit to the earlier snapshots, and calibrate on the latest."""
        earlier, latest = cases.earlier, cases.latest
        with threadpool_limits(1, "blas"):
            logistic = LogisticModel.fit(earlier.features[:, RECENCY], earlier.outcome, NO_PENALTY)
            return cls(logistic, fit_calibration(logistic.score(latest.features[:, RECENCY]), latest.outcome))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """P(no order within the horizon), (customers,), of features (customers, len(MODEL_FEATURES))."""
        return self.calibration.probability(self.logistic.score(features[:, RECENCY]))
