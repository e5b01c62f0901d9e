"""BG/NBD and MBG/NBD: as Pareto/NBD, but customers leave, if they do, right after an order.

While a customer is one, orders come at rate lambda, which varies between customers as Gamma(r, alpha); after an order
a customer leaves with probability p, which varies as Beta(a, b). In BG/NBD nobody leaves after the first order, so that
all who ordered once count as customers for ever; in MBG/NBD one can.

Fader, Hardie and Lee, "Counting your customers the easy way", Marketing Science 2005; Batislam, Denizel and
Filiztekin, "Empirical validation and comparison of models for customer base analysis", IJRM 2007.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import betaln, gammaln

from models.customers.purchase_history import PurchaseHistory
from models.statistics.maximum_likelihood import likeliest, prior_weight

NODES: Final = 48  # of the quadrature over p
LEAST_SCALE: Final = 1e-9  # where everybody came today


@dataclass(frozen=True)
class BGNBD:
    """The four parameters, all above zero; methods take histories whose times are in the unit of the fit."""

    r: float
    alpha: float
    a: float
    b: float
    modified: bool = False  # MBG/NBD: one may leave after the first order, too

    @classmethod
    def fit(cls, history: PurchaseHistory, modified: bool = False, prior_spread: float | None = None) -> Self:
        """Greatest likelihood; any number of customers.

        Below some hundred customers give `prior_spread`, the standard deviation of a prior on the logarithms of the
        parameters, say 1: it keeps them where customers' rates vary moderately and the times are of the order of the
        customers' age.
        """
        scale = max(float(np.mean(history.age)), LEAST_SCALE)

        def log_likelihood(parameters: np.ndarray, distinct: PurchaseHistory) -> np.ndarray:
            r, alpha, a, b = parameters
            return cls(r, alpha, a, b, modified).log_likelihood(distinct)

        weight = prior_weight(len(history), prior_spread)
        r, alpha, a, b = likeliest(history, log_likelihood, (1.0, scale, 1.0, 1.0), weight)
        return cls(r, alpha, a, b, modified)

    def log_likelihood(self, history: PurchaseHistory) -> np.ndarray:
        """Of each customer's (x, t_x, T), (customers,)."""
        shape = self.r + history.frequency
        constant = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha)
        log_likelihood: np.ndarray = constant + np.logaddexp(*self._still_and_left(history))
        return log_likelihood

    def p_alive(self, history: PurchaseHistory) -> np.ndarray:
        """P(still a customer at T), (customers,); for BG/NBD it is 1 after one order. No churn risk."""
        still, left = self._still_and_left(history)
        p_alive: np.ndarray = np.exp(still - np.logaddexp(still, left))
        return p_alive

    def probability(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """P(at least one order in (T, T + horizon]), (customers,); `horizon` is one or (customers,)."""
        # Who is a customer at T stays one until the next order: only its coming in time is in question.
        shape, alpha = self.r + history.frequency, self.alpha + history.age
        probability: np.ndarray = self.p_alive(history) * -np.expm1(-shape * np.log1p(horizon / alpha))
        return probability

    def expected_orders(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """Orders expected in (T, T + horizon], (customers,); `horizon` is one or (customers,)."""
        shape, relative_horizon = self.r + history.frequency, horizon / (self.alpha + history.age)
        counts, row = np.unique(self._chances(history), return_inverse=True)
        rules = [beta_quadrature(self.a, self.b + count, NODES) for count in counts]
        expected = np.zeros(len(history))
        # With p known, (1 - E e^(-lambda p horizon)) / p orders are to come; node by node, a million customers fit.
        for points, weights in zip(*(np.stack(part, axis=1) for part in zip(*rules, strict=True)), strict=True):
            p = points[row.ravel()]
            expected += weights[row.ravel()] * -np.expm1(-shape * np.log1p(p * relative_horizon)) / p
        expected *= self.p_alive(history)
        return expected

    def to_json(self) -> dict[str, Any]:
        return {"model": "bg_nbd"} | asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        r, alpha, a, b = (float(stored[name]) for name in ("r", "alpha", "a", "b"))
        return cls(r, alpha, a, b, bool(stored["modified"]))

    def _chances(self, history: PurchaseHistory) -> np.ndarray:
        """How often each customer could have left, (customers,)."""
        chances: np.ndarray = history.orders if self.modified else history.frequency
        return chances

    def _still_and_left(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihoods, but for a common constant, of being a customer at T and of having left at t_x."""
        shape, chances = self.r + history.frequency, self._chances(history)
        still = betaln(self.a, self.b + chances) - shape * np.log(self.alpha + history.age)
        left = betaln(self.a + 1, self.b + np.maximum(chances - 1, 0)) - shape * np.log(self.alpha + history.recency)
        prior = betaln(self.a, self.b)
        return still - prior, np.where(chances > 0, left - prior, -np.inf)


def beta_quadrature(a: float, b: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in (0, 1) and weights that sum to 1, exact for the mean of a polynomial over Beta(a, b), each (nodes,).

    Golub and Welsch, "Calculation of Gauss quadrature rules", 1969, on the recurrence of the Jacobi polynomials.
    """
    n = np.arange(1, nodes, dtype=float)
    total = a + b - 2  # of the exponents of p and 1 - p
    middle = np.empty(nodes)
    middle[0] = (a - b) / (a + b)
    middle[1:] = (a - b) * total / ((2 * n + total) * (2 * n + total + 2))
    side = 4 * n * (n + a - 1) * (n + b - 1) * (n + total)
    # n + total and 2 n + total - 1 are the same at n = 1, and both zero where a + b = 1: they cancel.
    side[1:] /= (2 * n[1:] + total) ** 2 * (2 * n[1:] + total + 1) * (2 * n[1:] + total - 1)
    side[0] = 4 * a * b / ((2 + total) ** 2 * (3 + total))
    points, vectors = eigh_tridiagonal(middle, np.sqrt(side))
    smallest = np.finfo(float).tiny
    return np.maximum((1 + points) / 2, smallest), vectors[0] ** 2
