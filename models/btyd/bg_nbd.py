"""BG/NBD and MBG/NBD: like Pareto/NBD, but customers can become inactive only right after an order.

Active customers order at rate lambda, which varies between customers as Gamma(r, alpha). After an order, a customer
becomes inactive with probability p, which varies as Beta(a, b). BG/NBD excludes this after the first order, so that
one-time buyers stay active for ever; MBG/NBD allows it.

Fader, Hardie and Lee, "Counting your customers the easy way", Marketing Science 2005; Batislam, Denizel and
Filiztekin, "Empirical validation and comparison of models for customer base analysis", IJRM 2007.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import betaln, gammaln

from models.customers.purchase_history import PurchaseHistory
from models.statistics.maximum_likelihood import fit_histories, prior_weight

NODES: Final = 48  # of the quadrature over p
MIN_SCALE: Final = 1e-9  # where all customers are new today


@dataclass(frozen=True)
class BGNBD:
    """Four positive parameters. Methods take histories whose times have the unit that the fit had."""

    r: float
    alpha: float
    a: float
    b: float
    modified: bool = False  # MBG/NBD: customers can become inactive after the first order, too

    @classmethod
    def fit(cls, history: PurchaseHistory, modified: bool = False, prior_std: float | None = None) -> Self:
        """Fit by maximum likelihood to any number of customers.

        Below a few hundred customers, give `prior_std`: the standard deviation of a normal prior on the logarithms of
        the parameters, for example 1. Its mean describes moderately varying rates, on the time scale of the customers'
        mean age.
        """
        scale = max(float(np.mean(history.age)), MIN_SCALE)

        def log_likelihood(parameters: np.ndarray, distinct: PurchaseHistory) -> np.ndarray:
            r, alpha, a, b = parameters
            return cls(r, alpha, a, b, modified).log_likelihood(distinct)

        weight = prior_weight(len(history), prior_std)
        r, alpha, a, b = fit_histories(history, log_likelihood, (1.0, scale, 1.0, 1.0), weight)
        return cls(r, alpha, a, b, modified)

    def log_likelihood(self, history: PurchaseHistory) -> np.ndarray:
        """Log-likelihood of each customer's (x, t_x, T), (customers,)."""
        shape = self.r + history.frequency
        constant = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha)
        return np.asarray(constant + np.logaddexp(*self._log_active_and_inactive(history)))

    def p_alive(self, history: PurchaseHistory) -> np.ndarray:
        """P(active at T), (customers,); for BG/NBD it is 1 after one order. It is no churn risk."""
        active, inactive = self._log_active_and_inactive(history)
        return np.asarray(np.exp(active - np.logaddexp(active, inactive)))

    def probability(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """P(at least one order in (T, T + horizon]), (customers,); `horizon` is a scalar or (customers,)."""
        # A customer who is active at T stays active until the next order.
        shape, alpha = self.r + history.frequency, self.alpha + history.age
        return np.asarray(self.p_alive(history) * -np.expm1(-shape * np.log1p(horizon / alpha)))

    def expected_orders(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """Orders expected in (T, T + horizon], (customers,); `horizon` is a scalar or (customers,)."""
        shape, relative_horizon = self.r + history.frequency, horizon / (self.alpha + history.age)
        counts, row = np.unique(self._trials(history), return_inverse=True)
        rules = [beta_quadrature(self.a, self.b + count, NODES) for count in counts]
        expected = np.zeros(len(history))
        # For a given p, (1 - E e^(-lambda p horizon)) / p orders are expected. A loop over the nodes saves memory.
        for points, weights in zip(*(np.stack(part, axis=1) for part in zip(*rules, strict=True)), strict=True):
            p = points[row.ravel()]
            expected += weights[row.ravel()] * -np.expm1(-shape * np.log1p(p * relative_horizon)) / p
        expected *= self.p_alive(history)
        return expected

    def _trials(self, history: PurchaseHistory) -> np.ndarray:
        """After how many orders each customer could have become inactive, (customers,)."""
        return history.orders if self.modified else history.frequency

    def _log_active_and_inactive(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihoods, up to a common constant, of being active at T and of being inactive since t_x."""
        shape, trials = self.r + history.frequency, self._trials(history)
        active = betaln(self.a, self.b + trials) - shape * np.log(self.alpha + history.age)
        inactive = betaln(self.a + 1, self.b + np.maximum(trials - 1, 0)) - shape * np.log(self.alpha + history.recency)
        prior = betaln(self.a, self.b)
        return active - prior, np.where(trials > 0, inactive - prior, -np.inf)


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
    # At n = 1, n + total and 2 n + total - 1 are equal, and both are zero where a + b = 1: they cancel.
    side[1:] /= (2 * n[1:] + total) ** 2 * (2 * n[1:] + total + 1) * (2 * n[1:] + total - 1)
    side[0] = 4 * a * b / ((2 + total) ** 2 * (3 + total))
    points, vectors = eigh_tridiagonal(middle, np.sqrt(side))
    smallest = np.finfo(float).tiny
    return np.maximum((1 + points) / 2, smallest), vectors[0] ** 2
