"""A buy-till-you-die (BTYD) forecast of each customer, from the purchase history alone.

It uses only the times and values of the orders, and holds for any horizon, also for one longer than the history. The
churn and lifetime-value models use it as features, and correct it.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import expit

from models.btyd.bg_nbd import BGNBD
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.pareto_nbd import ParetoNBD
from models.customers.purchase_history import PurchaseHistory

PARETO_NBD: Final = "pareto_nbd"
MBG_NBD: Final = "mbg_nbd"
MODEL_NAMES: Final = (PARETO_NBD, MBG_NBD)
MAX_FITTED: Final = 20_000  # customers; four parameters need no more
FEW_CUSTOMERS: Final = 300  # below, a prior regularises the parameters
PRIOR_STD: Final = 1.0
# Weight per customer of the prior that always regularises Pareto/NBD (chosen on earlier periods). Parameters of almost
# equal likelihood extrapolate very differently; this prior prefers loyal customers who become inactive slowly.
PRIOR_WEIGHT: Final = 2e-4
PRIOR_AGE_SHARE: Final = 1 / 40  # of the greatest age: the time scale of that prior
MIN_PROBABILITY: Final = 1e-6  # no history makes an order certain or impossible
MIN_ORDERS: Final = 1e-6


@dataclass(frozen=True)
class BTYDForecast:
    """A forecast of one horizon, each (customers,)."""

    probability: np.ndarray  # of at least one order
    alive: np.ndarray  # P(active now)
    orders: np.ndarray
    order_value: np.ndarray  # mean value of the future orders

    @property
    def features(self) -> np.ndarray:
        """Features for other models, (customers, 3): log-odds of an order and of being active, log of the orders."""
        return np.column_stack([_log_odds(self.probability), _log_odds(self.alive), np.log(self.orders)])

    @property
    def log_odds(self) -> np.ndarray:
        return _log_odds(self.probability)

    @property
    def spread_probability(self) -> np.ndarray:
        """P(an order) if the orders were spread over more customers, (customers,).

        BTYD models predict the number of orders better than their concentration on few customers. In log-odds, this is
        the mean of the forecast and of the probability that Poisson orders would have.
        """
        poisson = self.orders + np.log(-np.expm1(-self.orders))
        return np.asarray(expit((self.log_odds + poisson) / 2))

    def subset(self, rows: np.ndarray) -> Self:
        """The customers in these rows."""
        return type(self)(self.probability[rows], self.alive[rows], self.orders[rows], self.order_value[rows])


@dataclass(frozen=True)
class BTYDModel:
    """How often customers order (Pareto/NBD or MBG/NBD), and for how much (Gamma-Gamma); times are in days."""

    purchases: ParetoNBD | BGNBD
    order_values: GammaGamma | None  # None where no order had a value

    @classmethod
    def fit(cls, history: PurchaseHistory, model_name: str = PARETO_NBD) -> Self:
        """Fit to at most MAX_FITTED customers, evenly picked; with a prior where there are few."""
        assert model_name in MODEL_NAMES
        fitted = history.subset(np.unique(np.linspace(0, len(history) - 1, MAX_FITTED).astype(np.int64)))
        prior_std = PRIOR_STD if len(fitted) < FEW_CUSTOMERS else None
        purchases: ParetoNBD | BGNBD
        if model_name == PARETO_NBD:
            scale = max(float(fitted.age.max()) * PRIOR_AGE_SHARE, 1.0)
            purchases = ParetoNBD.fit(fitted, prior_std, PRIOR_WEIGHT, scale)
        else:
            purchases = BGNBD.fit(fitted, modified=True, prior_std=prior_std)
        has_value = bool((fitted.mean_value > 0).any())
        return cls(purchases, GammaGamma.fit(fitted.orders, fitted.mean_value, prior_std) if has_value else None)

    def predict(self, history: PurchaseHistory, horizon_days: float) -> BTYDForecast:
        """Forecast the horizon; customers with equal histories are computed once."""
        distinct, row, _ = history.distinct()
        probability = np.clip(self.purchases.probability(distinct, horizon_days), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        alive = np.clip(self.purchases.p_alive(distinct), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        orders = np.maximum(self.purchases.expected_orders(distinct, horizon_days), MIN_ORDERS)
        value = np.zeros(len(history))
        if self.order_values is not None:
            value = self.order_values.expected_value(history.orders, history.mean_value)
        return BTYDForecast(probability[row], alive[row], orders[row], value)


def _log_odds(probability: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(probability) - np.log1p(-probability))
