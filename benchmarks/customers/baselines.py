"""Baselines for expected orders and spend: the classic BTYD models, regressions on recency and RFM, the mean rate."""

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
from models.customers.purchase_history import PurchaseHistory

Method = Callable[[Split], Prediction]
DAYS_PER_WEEK: Final = 7
MIN_PAST_SHARE: Final = 0.5  # of the calibration time, before the snapshot that regressions are fitted to


def btyd(model: type[ParetoNBD] | type[BGNBD]) -> Method:
    """Orders by the BTYD model, values by Gamma-Gamma, both fitted to the calibration time by maximum likelihood."""

    def predict(cut: Split) -> Prediction:
        training, scored = (purchases(orders, cut.calibration_end) for orders in (cut.all_orders, cut.history))
        fitted, horizon = model.fit(training), cut.horizon_days / DAYS_PER_WEEK
        value = GammaGamma.fit(training.orders, training.mean_value).expected_value(scored.orders, scored.mean_value)
        orders = fitted.expected_orders(scored, horizon)
        return {"orders": orders, "spend": orders * value}

    return predict


def regression(features_of: Callable[[PurchaseHistory], np.ndarray], own_value: bool) -> Method:
    """A Poisson regression on one earlier snapshot; orders have the customer's mean value, or the mean of all.

    Where the calibration time is too short for a snapshot with the whole horizon after it, predictions of a shorter
    horizon are extrapolated in proportion.
    """

    def predict(cut: Split) -> Prediction:
        earlier = snapshot(cut)
        stretch = cut.horizon_days / earlier.horizon_days
        scored, known = (
            purchases(cut.history, cut.calibration_end),
            purchases(earlier.history, earlier.calibration_end),
        )
        features, training = features_of(scored), features_of(known)
        with threadpool_limits(1, "blas"):
            counts = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), PoissonRegressor(alpha=0.0))
            orders = counts.fit(training, earlier.orders).predict(features) * stretch
        value = scored.mean_value if own_value else scored.mean_value.mean()
        return {"orders": orders, "spend": orders * value}

    return predict


def mean_rate(cut: Split) -> Prediction:
    """Everybody goes on as since the first order; a shorter time than the horizon counts as the horizon."""
    past, horizon = purchases(cut.history, cut.calibration_end), cut.horizon_days / DAYS_PER_WEEK
    orders = past.orders * horizon / np.maximum(past.age, horizon)
    return {"orders": orders, "spend": orders * past.mean_value}


def snapshot(cut: Split) -> Split:
    """The calibration time, cut again at one horizon before its end, or at half of it where that is later."""
    known = cut.all_orders
    past_days = (cut.calibration_end - known["ordered_at"].min()).days
    horizon_days = min(cut.horizon_days, int(past_days * (1 - MIN_PAST_SHARE)))
    return split(known, cut.calibration_end - horizon_days * DAY, horizon_days)


def purchases(orders: pd.DataFrame, end: pd.Timestamp) -> PurchaseHistory:
    """Purchase histories at midnight `end`, in weeks."""
    day = orders["ordered_at"].to_numpy("datetime64[D]").astype(np.int64)
    last_day = int(np.datetime64(end, "D").astype(np.int64)) - 1
    values = orders["order_value"].to_numpy(float)
    return PurchaseHistory.of_orders(orders["customer_id"].to_numpy(str), day, values, last_day, DAYS_PER_WEEK)


def recency(history: PurchaseHistory) -> np.ndarray:
    """Weeks since the last order, (customers, 1)."""
    return np.asarray((history.age - history.recency)[:, None])


def rfm(history: PurchaseHistory) -> np.ndarray:
    """Weeks since the last and the first order, orders, and their mean value, (customers, 4)."""
    return np.stack([history.age - history.recency, history.age, history.orders, history.mean_value], axis=1)


BASELINES: Final[dict[str, Method]] = {
    "pareto_nbd": btyd(ParetoNBD),
    "bg_nbd": btyd(BGNBD),
    "recency": regression(recency, own_value=False),
    "rfm": regression(rfm, own_value=True),
    "mean_rate": mean_rate,
}
