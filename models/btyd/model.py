"""What models of purchase histories alone expect of each customer: the ground that the other models build on.

They know nothing but when the orders were and what they were worth, and hold for any horizon, also for one that is
longer than the past; what else is known of a customer is learned on top of them.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import expit

from models.btyd.bg_nbd import BGNBD
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.pareto_nbd import ParetoNBD
from models.customers.purchase_history import PurchaseHistory

PARETO_NBD: Final = "pareto_nbd"
MBG_NBD: Final = "mbg_nbd"
FORMS: Final = (PARETO_NBD, MBG_NBD)
MAX_FITTED: Final = 20_000  # customers; four parameters need no more
FEW: Final = 300  # customers; below, a prior keeps the parameters sane
PRIOR_SPREAD: Final = 1.0
# Of the likelihood of all customers. Likelihoods that hardly differ extrapolate very differently; this leans towards
# slowly thinning tails of loyal customers, which earlier periods bear out (it is chosen on those).
LEAN: Final = 2e-4
LEAN_AGE_SHARE: Final = 1 / 40  # of the longest age: the time scale that the lean is towards
LEAST: Final = 1e-6  # no history makes an order certain or impossible


@dataclass(frozen=True)
class PurchaseOutlook:
    """Expectations of one horizon, each (customers,)."""

    probability: np.ndarray  # of at least one order
    alive: np.ndarray  # P(still a customer)
    orders: np.ndarray
    order_value: np.ndarray  # mean value of the orders to come

    @property
    def habits(self) -> np.ndarray:
        """As numbers for models (customers, 3): log-odds of an order, of being a customer, logarithm of the orders."""
        return np.column_stack([_log_odds(self.probability), _log_odds(self.alive), np.log(self.orders)])

    @property
    def log_odds(self) -> np.ndarray:
        return _log_odds(self.probability)

    @property
    def spread_probability(self) -> np.ndarray:
        """P(an order) if the orders fell on more customers, (customers,).

        Purchase models foresee the number of orders better than on how few customers they fall: this is midway, in
        log-odds, between what they say and what it were if each customer's orders came at random.
        """
        at_random = self.orders + np.log(-np.expm1(-self.orders))
        probability: np.ndarray = expit((self.log_odds + at_random) / 2)
        return probability

    def taken(self, rows: np.ndarray) -> Self:
        """The customers in these rows."""
        return type(self)(self.probability[rows], self.alive[rows], self.orders[rows], self.order_value[rows])


@dataclass(frozen=True)
class PurchaseModels:
    """How often customers order (Pareto/NBD or MBG/NBD), and how dear (Gamma-Gamma); times are in days."""

    ordering: ParetoNBD | BGNBD
    values: GammaGamma | None  # None where no order was worth anything

    @classmethod
    def fit(cls, history: PurchaseHistory, form: str = PARETO_NBD) -> Self:
        """Fit to at most MAX_FITTED customers, evenly picked; of a few customers, a prior is taken into account."""
        assert form in FORMS
        fitted = history.take(np.unique(np.linspace(0, len(history) - 1, MAX_FITTED).astype(np.int64)))
        prior = PRIOR_SPREAD if len(fitted) < FEW else None
        ordering: ParetoNBD | BGNBD
        if form == PARETO_NBD:
            scale = max(float(fitted.age.max()) * LEAN_AGE_SHARE, 1.0)
            ordering = ParetoNBD.fit(fitted, prior, LEAN, scale)
        else:
            ordering = BGNBD.fit(fitted, modified=True, prior_spread=prior)
        has_value = bool((fitted.mean_value > 0).any())
        return cls(ordering, GammaGamma.fit(fitted.orders, fitted.mean_value, prior) if has_value else None)

    def outlook(self, history: PurchaseHistory, horizon_days: float) -> PurchaseOutlook:
        """What to expect within the horizon; customers of the same history are computed once."""
        distinct, row, _ = history.distinct()
        probability = np.clip(self.ordering.probability(distinct, horizon_days), LEAST, 1 - LEAST)
        alive = np.clip(self.ordering.p_alive(distinct), LEAST, 1 - LEAST)
        orders = np.maximum(self.ordering.expected_orders(distinct, horizon_days), LEAST)
        value = np.zeros(len(history))
        if self.values is not None:
            value = self.values.expected_value(history.orders, history.mean_value)
        return PurchaseOutlook(probability[row], alive[row], orders[row], value)

    def to_json(self) -> dict[str, Any]:
        return {
            "ordering": self.ordering.to_json(),
            "values": None if self.values is None else self.values.to_json(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        ordering = stored["ordering"]
        form = ParetoNBD if ordering["model"] == PARETO_NBD else BGNBD
        values = None if stored["values"] is None else GammaGamma.from_json(stored["values"])
        return cls(form.from_json(ordering), values)


def _log_odds(probability: np.ndarray) -> np.ndarray:
    log_odds: np.ndarray = np.log(probability) - np.log1p(-probability)
    return log_odds
