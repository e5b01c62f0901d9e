"""What a prediction of customers' orders has to beat: the classic purchase models, recency alone, and RFM."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.customers.metrics import Prediction
from benchmarks.customers.split import DAY, Split, split
from models.btyd.bg_nbd import BGNBD
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.pareto_nbd import ParetoNBD
from models.churn.recency_baseline import NO_PENALTY
from models.customers.purchase_history import PurchaseHistory
from models.statistics.logistic_regression import LogisticModel

Method = Callable[[Split], Prediction]
DAYS_PER_WEEK: Final = 7
SHORTEST_PAST: Final = 0.5  # of the calibration time, before the snapshot that regressions are fitted on


def purchase_model(form: type[ParetoNBD] | type[BGNBD]) -> Method:
    """Orders by the purchase model, values by Gamma-Gamma, both fitted on the calibration time by likelihood."""

    def predict(cut: Split) -> Prediction:
        learnt, scored = (purchases(orders, cut.calibration_end) for orders in (cut.learnt_from, cut.history))
        model, horizon = form.fit(learnt), cut.horizon_days / DAYS_PER_WEEK
        value = GammaGamma.fit(learnt.orders, learnt.mean_value).expected_value(scored.orders, scored.mean_value)
        orders = model.expected_orders(scored, horizon)
        probability = model.probability(scored, horizon)
        # The literature ranks by expected orders, which is the stronger baseline.
        return {"probability": probability, "score": orders, "orders": orders, "spend": orders * value}

    return predict


def regression(features_of: Callable[[PurchaseHistory], np.ndarray], own_value: bool) -> Method:
    """A logistic and a Poisson regression on one earlier snapshot; an order is worth the customer's mean, or all's.

    Where the calibration time is too short for a snapshot with the whole horizon behind it, the snapshot's shorter
    horizon is stretched as if customers kept their rate: chances by survival, orders in proportion.
    """

    def predict(cut: Split) -> Prediction:
        earlier = snapshot(cut)
        stretch = cut.horizon_days / earlier.horizon_days
        scored, learnt = (
            purchases(cut.history, cut.calibration_end),
            purchases(earlier.history, earlier.calibration_end),
        )
        features, training = features_of(scored), features_of(learnt)
        with threadpool_limits(1, "blas"):
            again = _again(training, earlier.orders > 0, features)
            counts = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), PoissonRegressor(alpha=0.0))
            orders = counts.fit(training, earlier.orders).predict(features) * stretch
        value = scored.mean_value if own_value else scored.mean_value.mean()
        return {"probability": 1 - (1 - again) ** stretch, "orders": orders, "spend": orders * value}

    return predict


def snapshot(cut: Split) -> Split:
    """The calibration time, cut again: the whole horizon before its end, but not before half of it has passed."""
    known = cut.learnt_from
    past_days = (cut.calibration_end - known["ordered_at"].min()).days
    horizon_days = min(cut.horizon_days, int(past_days * (1 - SHORTEST_PAST)))
    return split(known, cut.calibration_end - horizon_days * DAY, horizon_days)


def purchases(orders: pd.DataFrame, end: pd.Timestamp) -> PurchaseHistory:
    """Customers as the purchase models see them at midnight `end`, in weeks."""
    day = orders["ordered_at"].to_numpy("datetime64[D]").astype(np.int64)
    last_day = int(np.datetime64(end, "D").astype(np.int64)) - 1
    values = orders["order_value"].to_numpy(float)
    return PurchaseHistory.of_orders(orders["customer_id"].to_numpy(str), day, values, last_day, DAYS_PER_WEEK)


def recency(history: PurchaseHistory) -> np.ndarray:
    """Weeks since the last order, (customers, 1)."""
    weeks: np.ndarray = (history.age - history.recency)[:, None]
    return weeks


def rfm(history: PurchaseHistory) -> np.ndarray:
    """Weeks since the last and the first order, orders, and their mean value, (customers, 4)."""
    return np.stack([history.age - history.recency, history.age, history.orders, history.mean_value], axis=1)


def _again(training: np.ndarray, outcome: np.ndarray, features: np.ndarray) -> np.ndarray:
    """P(outcome) of a logistic regression; the mean where all outcomes are the same."""
    if outcome.all() or not outcome.any():
        return np.full(len(features), outcome.mean())
    score = LogisticModel.fit(training, outcome, NO_PENALTY).score(features)
    probability: np.ndarray = 1 / (1 + np.exp(-score))
    return probability


BASELINES: Final[dict[str, Method]] = {
    "pareto_nbd": purchase_model(ParetoNBD),
    "bg_nbd": purchase_model(BGNBD),
    "recency": regression(recency, own_value=False),
    "rfm_logistic": regression(rfm, own_value=True),
}
