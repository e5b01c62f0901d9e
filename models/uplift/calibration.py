"""Calibration of uplift scores: the best linear predictor of the treatment effect given the score.

On customers that the score's model has not seen, outcomes are regressed on the score, the treatment, and their
interaction. A score of pure noise is calibrated to the average effect. Chernozhukov, Demirer, Duflo and Fernández-Val,
"Generic machine learning inference on heterogeneous treatment effects", 2018.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True)
class UpliftCalibration:
    """uplift = average + slope * (score - centre); the slope is in [0, 1]: calibration only shrinks."""

    average: float
    slope: float
    centre: float
    average_variance: float
    slope_variance: float

    @classmethod
    def fit(cls, score: np.ndarray, treated: np.ndarray, outcome: np.ndarray, weight: np.ndarray) -> Self:
        """Weighted least squares with robust variances (White); all (customers,), both arms present."""
        centre = float(np.average(score, weights=weight))
        share = np.average(treated, weights=weight)
        spread = float(np.sqrt(np.average((score - centre) ** 2, weights=weight)))
        above = (score - centre) / (spread or 1.0)
        design = np.column_stack([np.ones(len(score)), above, treated - share, (treated - share) * above])
        inverse = np.linalg.pinv(design.T @ (design * weight[:, None]))
        numbers = inverse @ (design.T @ (weight * outcome))
        meat = design * (weight * (outcome - design @ numbers))[:, None]
        variance = inverse @ (meat.T @ meat) @ inverse
        if not spread:
            return cls(float(numbers[2]), 0.0, centre, float(variance[2, 2]), 0.0)
        slope = float(np.clip(numbers[3] / spread, 0, 1))
        return cls(float(numbers[2]), slope, centre, float(variance[2, 2]), float(variance[3, 3]) / spread**2)

    def predict(self, score: np.ndarray) -> np.ndarray:
        """The change of the probability to order, (customers,)."""
        return np.asarray(self.average + self.slope * (score - self.centre))

    def variance(self, score: np.ndarray, score_variance: np.ndarray) -> np.ndarray:
        """The variance of the uplift, (customers,), given the variance of the score itself."""
        line = self.average_variance + self.slope_variance * (score - self.centre) ** 2
        return np.asarray(line + self.slope**2 * score_variance)

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return asdict(self)
