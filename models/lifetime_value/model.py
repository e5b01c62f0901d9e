"""Lifetime value: what each customer will order and spend within a horizon.

A BTYD model forecasts any horizon from the purchase history alone. Corrections, learned on earlier snapshots, add the
other features of the customer. Where a held-out period shows that the corrections do not help, the BTYD forecast
stands alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from contracts.errors import BundleRefused
from models.btyd.model import MODEL_NAMES
from models.customers.features import MODEL_FEATURES
from models.lifetime_value.baseline import MEAN_RATE
from models.lifetime_value.cases import Expectation, ValueCases, ValueInputs, ValueParameters
from models.lifetime_value.corrections import Corrections
from models.lifetime_value.interval import ValueInterval
from models.protocol import FitContext
from models.stored_parameters import read_parameters, write_parameters


@dataclass(frozen=True)
class ValueTraining:
    """What a model is fitted to, once a held-out period has chosen its kind."""

    model_name: str  # of the BTYD model
    held_out: tuple[Expectation, np.ndarray]  # what a model of this kind expected of that period, and the actual spend
    cases: ValueCases | None = None  # to learn corrections from; None: the BTYD forecast stands alone
    current: ValueInputs | None = None  # customers whose corrected totals must be those of the BTYD forecast


class ValuePrediction(NamedTuple):
    """What is expected within one horizon, and the 80 % interval of the spend, each (customers,)."""

    probability: np.ndarray  # of at least one order
    orders: np.ndarray
    spend: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class ValueModel:
    """The name of the BTYD model, the corrections of its forecast, if there are any, and the intervals."""

    model_name: str
    corrections: Corrections | None
    interval: ValueInterval

    @classmethod
    def fit(cls, cases: ValueTraining, parameters: ValueParameters, context: FitContext) -> Self:
        """Fit the interval to the held-out period, and the corrections to the cases."""
        expected, spend = cases.held_out
        interval = ValueInterval.fit(expected.orders, expected.spend, spend)
        if cases.cases is None:
            return cls(cases.model_name, None, interval)
        corrections = Corrections.fit(cases.cases, parameters, context)
        if cases.current is not None:
            corrections = corrections.calibrated(cases.current, context.threads)
        return cls(cases.model_name, corrections, interval)

    def predict(self, features: ValueInputs, threads: int = 1) -> ValuePrediction:
        """What is expected within the horizon of `features.btyd`, a forecast of the BTYD model `model_name`."""
        if self.corrections is None:
            expected = Expectation.of_btyd(features.btyd)
        else:
            expected = self.corrections.predict(features, threads)
        return ValuePrediction(*expected, *self.interval.between(expected.orders, expected.spend))

    def explain(self, features: ValueInputs, threads: int = 1) -> np.ndarray:
        """What each feature adds to the log of the BTYD model's expected spend, (customers, len(MODEL_FEATURES))."""
        if self.corrections is None or len(features) == 0:
            return np.zeros(features.features.shape)
        return self.corrections.explain(features.features, threads)

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write parameters.json, which repeats `facts` about the fit, and the corrections' trees, if there are any."""
        folder.mkdir(parents=True, exist_ok=True)
        corrections = None if self.corrections is None else self.corrections.write(folder)
        content = {"model_name": self.model_name, "interval": self.interval.to_json(), "corrections": corrections}
        write_parameters(folder, facts | content, MODEL_FEATURES)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote; raises BundleRefused where the features are not those of this version."""
        stored = read_parameters(folder, MODEL_FEATURES)
        if stored["model_name"] not in (*MODEL_NAMES, MEAN_RATE):
            raise BundleRefused(
                f"{folder} has a model named {stored['model_name']!r}, which this version does not know. "
                "Run `shopkeeper train` and publish again."
            )
        corrections = None if stored["corrections"] is None else Corrections.read(folder, stored["corrections"])
        return cls(stored["model_name"], corrections, ValueInterval.from_json(stored["interval"]))
