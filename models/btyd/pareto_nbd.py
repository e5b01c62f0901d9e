"""Pareto/NBD: active customers order at a rate of their own, and become inactive at a time that is not observed.

Active customers order at rate lambda, which varies between customers as Gamma(r, alpha). The time until a customer
becomes inactive is exponential with rate mu, which varies as Gamma(s, beta). alpha and beta have the unit of the times.

Schmittlein, Morrison and Colombo, "Counting your customers", Management Science 1987; Fader and Hardie, "A note on
deriving the Pareto/NBD model", 2005. The integral over the unobserved time is computed by quadrature, since
hypergeometric functions overflow for customers with many orders.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import gammaln

from models.customers.purchase_history import PurchaseHistory
from models.statistics.maximum_likelihood import fit_histories, prior_weight

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)  # on [-1, 1]
MIN_SCALE: Final = 1e-9  # where all customers are new today
NEGLIGIBLE: Final = 40.0  # the integral ends where the integrand is e^-40 of its first value


@dataclass(frozen=True)
class ParetoNBD:
    """Four positive parameters. Methods take histories whose times have the unit that the fit had."""

    r: float
    alpha: float
    s: float
    beta: float

    @classmethod
    def fit(
        cls,
        history: PurchaseHistory,
        prior_std: float | None = None,
        min_prior_weight: float = 0.0,
        scale: float | None = None,
    ) -> Self:
        """Fit by maximum likelihood to any number of customers.

        Below a few hundred customers, give `prior_std`: the standard deviation of a normal prior on the logarithms of
        the parameters, for example 1. Its mean describes moderately varying rates, on the time scale `scale`, or the
        customers' mean age. `min_prior_weight` is the prior's smallest weight per customer, for any number of them.
        """
        scale = max(float(np.mean(history.age)), MIN_SCALE) if scale is None else scale

        def log_likelihood(parameters: np.ndarray, distinct: PurchaseHistory) -> np.ndarray:
            return cls(*parameters).log_likelihood(distinct)

        weight = max(prior_weight(len(history), prior_std), min_prior_weight)
        return cls(*fit_histories(history, log_likelihood, (1.0, scale, 1.0, scale), weight))

    def log_likelihood(self, history: PurchaseHistory) -> np.ndarray:
        """Log-likelihood of each customer's (x, t_x, T), (customers,)."""
        shape = self.r + history.frequency
        constant = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        return np.asarray(constant + np.logaddexp(*self._log_active_and_inactive(history)))

    def p_alive(self, history: PurchaseHistory) -> np.ndarray:
        """P(active at T), (customers,). It does not say when an order comes, so it is no churn risk."""
        active, inactive = self._log_active_and_inactive(history)
        return np.asarray(np.exp(active - np.logaddexp(active, inactive)))

    def probability(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """P(at least one order in (T, T + horizon]), (customers,); `horizon` is a scalar or (customers,)."""
        shape, alpha, beta = self._posterior(history)
        # A customer who is active at T is like a new one with these parameters: P(no order) is the likelihood of x = 0.
        active = -shape * np.log1p(horizon / alpha) - self.s * np.log1p(horizon / beta)
        end = np.broadcast_to(horizon, len(history))
        inactive = _log_integral(shape, alpha, self.s, beta, np.zeros(len(history)), end)
        inactive = inactive + np.log(self.s) + shape * np.log(alpha) + self.s * np.log(beta)
        return np.asarray(self.p_alive(history) * np.clip(-np.expm1(np.logaddexp(active, inactive)), 0.0, 1.0))

    def expected_orders(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """Orders expected in (T, T + horizon], (customers,); `horizon` is a scalar or (customers,)."""
        shape, alpha, beta = self._posterior(history)
        logs = np.log1p(horizon / beta)
        # (1 - e^-(s - 1) logs) / (s - 1); its limit for s -> 1 is logs.
        exponent = (self.s - 1) * logs
        small = np.abs(exponent) < 1e-8
        share = np.where(small, 1.0, -np.expm1(-exponent) / np.where(small, 1.0, exponent))
        return np.asarray(self.p_alive(history) * shape * beta / alpha * logs * share)

    def _log_active_and_inactive(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihoods, up to a common constant, of being active at T and of having become inactive after t_x."""
        shape = self.r + history.frequency
        active = -shape * np.log(self.alpha + history.age) - self.s * np.log(self.beta + history.age)
        inactive = np.log(self.s) + _log_integral(shape, self.alpha, self.s, self.beta, history.recency, history.age)
        return active, inactive

    def _posterior(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """If active at T, lambda is Gamma(shape, alpha) and mu is Gamma(s, beta), independent; each (customers,)."""
        return self.r + history.frequency, self.alpha + history.age, self.beta + history.age


def _log_integral(
    shape: np.ndarray,  # (customers,)
    alpha: float | np.ndarray,
    s: float,
    beta: float | np.ndarray,
    start: np.ndarray,  # (customers,)
    end: np.ndarray,  # (customers,)
) -> np.ndarray:
    """Log of the integral of (alpha + t)^-shape (beta + t)^-(s + 1) over t from start to end; -inf where start is end.

    In u = log(least + t), with least = min(alpha, beta), the integrand is smooth and falls ever faster. The integral
    ends where the integrand is negligible.
    """
    least = np.minimum(alpha, beta)
    from_alpha, from_beta, from_least = alpha + start, beta + start, least + start
    fall = from_least * (shape / from_alpha + (s + 1) / from_beta) - 1  # of the log integrand at the start
    width = np.minimum(np.log1p((end - start) / from_least), NEGLIGIBLE / np.maximum(fall, 1e-9))
    total = np.zeros(np.shape(width))
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        u = width * (node + 1) / 2
        step = from_least * np.expm1(u)
        total += weight * np.exp(u - shape * np.log1p(step / from_alpha) - (s + 1) * np.log1p(step / from_beta))
    with np.errstate(divide="ignore"):  # where start is end, log 0 is the answer
        log_sum = np.log(total * width / 2)
    return np.asarray(log_sum + np.log(from_least) - shape * np.log(from_alpha) - (s + 1) * np.log(from_beta))
