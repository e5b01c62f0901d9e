"""Corrections of the BTYD forecast, learned by gradient boosting from what the customers of earlier snapshots did.

Three parts: incidence (whether a customer orders), frequency (how many orders) and monetary (the value of an order).
Each is fitted with the BTYD forecast as its offset, so that trees that learn nothing leave the forecast as it is.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from models.btyd.model import BTYDForecast
from models.customers.features import MODEL_FEATURES
from models.lifetime_value.cases import Expectation, ValueCases, ValueInputs, ValueParameters
from models.protocol import FitContext
from models.statistics.calibration import mean_calibration_offset
from models.statistics.gradient_boosting import BoostedTrees, settings
from models.statistics.logistic_regression import LogisticModel

INCIDENCE: Final = "incidence"
FREQUENCY: Final = "frequency"
MONETARY: Final = "monetary"
OBJECTIVES: Final = {INCIDENCE: "binary", FREQUENCY: "poisson", MONETARY: "gamma"}  # part -> LightGBM's objective
ROWS_PER_THREAD: Final = 100_000
MIN_VALUE: Final = 0.01  # of an order, so that the logarithm of a free order exists
MAX_CORRECTION: Final = 2.0  # of the logarithm


@dataclass(frozen=True)
class Corrections:
    """Trees for each part, a logistic regression for the incidence, and mean-calibration offsets."""

    trees: dict[str, BoostedTrees]  # by part
    logistic: LogisticModel  # its log-odds and those of the incidence trees are averaged
    frequency_offset: float = 0.0  # added to the logarithm of the orders
    incidence_offset: float = 0.0  # added to the log-odds of an order

    @classmethod
    def fit(cls, cases: ValueCases, parameters: ValueParameters, context: FitContext) -> Self:
        """Fit to cases in which some customers ordered and some did not."""
        btyd, features = cases.inputs.btyd, cases.inputs.features
        ordered = (cases.orders > 0).astype(float)
        paid = (cases.orders > 0) & (cases.spend > 0)
        order_value = np.maximum(cases.spend[paid] / cases.orders[paid], MIN_VALUE)
        everything = np.ones(len(ordered), bool)
        rows = {
            INCIDENCE: (everything, ordered, btyd.log_odds, cases.weight),
            FREQUENCY: (everything, cases.orders, np.log(btyd.orders), cases.weight),
            MONETARY: (paid, order_value, _log_value(btyd)[paid], (cases.weight * cases.orders)[paid]),
        }
        trees = {
            part: _fit_trees(part, features[chosen], target, offset, weight, parameters, context)
            for part, (chosen, target, offset, weight) in rows.items()
        }
        with threadpool_limits(1, "blas"):
            logistic = LogisticModel.fit(features, ordered, parameters.inverse_penalty, cases.weight, btyd.log_odds)
        return cls(trees, logistic)

    def calibrated(self, inputs: ValueInputs, threads: int = 1) -> Self:
        """The same corrections, with offsets so that the totals of these customers are those of the BTYD forecast.

        Corrections say which customers order more than others. How much all of them order depends on the season, which
        earlier snapshots do not show.
        """
        if len(inputs) == 0:
            return self
        expected = self.predict(inputs, threads)
        frequency = float(np.log(inputs.btyd.orders.sum() / expected.orders.sum()))
        incidence = mean_calibration_offset(logit(expected.probability), inputs.btyd.spread_probability)
        return replace(
            self,
            frequency_offset=self.frequency_offset + frequency,
            incidence_offset=self.incidence_offset + incidence,
        )

    def predict(self, inputs: ValueInputs, threads: int = 1) -> Expectation:
        """The corrected forecast within the horizon of the inputs."""
        btyd, features = inputs.btyd, inputs.features
        if len(inputs) == 0:
            return Expectation.of_btyd(btyd)
        incidence = (self.trees[INCIDENCE].score(features, threads) + self.logistic.score(features)) / 2
        frequency = self.trees[FREQUENCY].score(features, threads) + self.frequency_offset
        monetary = self.trees[MONETARY].score(features, threads)
        orders = btyd.orders * np.exp(np.clip(frequency, -MAX_CORRECTION, MAX_CORRECTION))
        value = np.exp(_log_value(btyd) + np.clip(monetary, -MAX_CORRECTION, MAX_CORRECTION))
        return Expectation(expit(btyd.log_odds + incidence + self.incidence_offset), orders, orders * value)

    def explain(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """What each feature adds to the logarithm of the expected spend, (customers, features): SHAP values."""
        parts = (self.trees[part].contributions(features, threads) for part in (FREQUENCY, MONETARY))
        return np.asarray(sum(parts))

    def write(self, folder: Path) -> dict[str, Any]:
        """Write a file per part; returns the rest, for the model's parameters file."""
        for part, trees in self.trees.items():
            trees.write(folder / f"{part}.txt")
        offsets = {"frequency_offset": self.frequency_offset, "incidence_offset": self.incidence_offset}
        return offsets | {"logistic": self.logistic.to_json()}

    @classmethod
    def read(cls, folder: Path, stored: dict[str, Any]) -> Self:
        """What `write` wrote and returned."""
        trees = {part: BoostedTrees.read(folder / f"{part}.txt") for part in OBJECTIVES}
        offsets = float(stored["frequency_offset"]), float(stored["incidence_offset"])
        return cls(trees, LogisticModel.from_json(stored["logistic"]), *offsets)


def _log_value(btyd: BTYDForecast) -> np.ndarray:
    return np.asarray(np.log(np.maximum(btyd.order_value, MIN_VALUE)))


def _fit_trees(
    part: str,
    features: np.ndarray,
    target: np.ndarray,
    offset: np.ndarray,
    weight: np.ndarray,
    parameters: ValueParameters,
    context: FitContext,
) -> BoostedTrees:
    chosen = settings(
        objective=OBJECTIVES[part],
        learning_rate=parameters.learning_rate,
        num_leaves=parameters.leaves,
        min_data_in_leaf=min(parameters.min_rows_per_leaf, max(len(target) // 20, 1)),
        lambda_l2=parameters.leaf_penalty,
        feature_fraction=0.5,
        bagging_fraction=0.7,
        bagging_freq=1,
        seed=context.seed,
        threads=min(context.threads, 1 + len(target) // ROWS_PER_THREAD),
    )
    rows = lgb.Dataset(features, target, weight=weight, init_score=offset, feature_name=list(MODEL_FEATURES))
    return BoostedTrees.of(lgb.train(chosen, rows, parameters.trees))
