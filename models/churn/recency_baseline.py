"""The baseline of churn: recency alone. On many stores it ranks customers almost as well as any model."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from threadpoolctl import threadpool_limits

from models.statistics.calibration import Calibration, fit_calibration
from models.statistics.logistic_regression import LogisticModel

NO_PENALTY: Final = 1e6


@dataclass(frozen=True)
class RecencyModel:
    """Logistic regression on the logarithm of the days since the last order, calibrated like the model itself."""

    logistic: LogisticModel
    calibration: Calibration

    @classmethod
    def fit(cls, training: tuple[np.ndarray, np.ndarray], later: tuple[np.ndarray, np.ndarray]) -> Self:
        """Fit on (recency_days, outcome) of the training snapshots, calibrate on those of a later one."""
        with threadpool_limits(1, "blas"):
            logistic = LogisticModel.fit(training[0][:, None], training[1], NO_PENALTY)
            return cls(logistic, fit_calibration(logistic.score(later[0][:, None]), later[1]))

    def risk(self, recency_days: np.ndarray) -> np.ndarray:
        """P(no order within the horizon), (customers,)."""
        return self.calibration.probability(self.logistic.score(recency_days[:, None]))
