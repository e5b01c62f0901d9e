"""Pareto/NBD: customers order at their own rate for as long as they are customers, and leave without saying so.

While a customer is one, orders come at rate lambda, which varies between customers as Gamma(r, alpha); the time until a
customer leaves is exponential with rate mu, which varies as Gamma(s, beta). alpha and beta carry the unit of the times.

Schmittlein, Morrison and Colombo, "Counting your customers", Management Science 1987; Fader and Hardie, "A note on
deriving the Pareto/NBD model", 2005. The integral over the unseen time of leaving is taken by quadrature instead of by
hypergeometric functions, which overflow for customers with many orders.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import gammaln

from models.customers.purchase_history import PurchaseHistory
from models.statistics.maximum_likelihood import likeliest, prior_weight

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)  # on [-1, 1]
LEAST_RATE: Final = 1e-300  # a rate below it is no rate
LEAST_SCALE: Final = 1e-9  # where everybody came today
NEGLIGIBLE: Final = 40.0  # e^-40 of the integrand's first value


@dataclass(frozen=True)
class ParetoNBD:
    """The four parameters, all above zero; methods take histories whose times are in the unit of the fit."""

    r: float
    alpha: float
    s: float
    beta: float

    @classmethod
    def fit(
        cls,
        history: PurchaseHistory,
        prior_spread: float | None = None,
        least_prior_weight: float = 0.0,
        scale: float | None = None,
    ) -> Self:
        """Greatest likelihood; any number of customers.

        Below some hundred customers give `prior_spread`, the standard deviation of a prior on the logarithms of the
        parameters, say 1: it keeps them where customers' rates vary moderately and the times are of the order of the
        customers' age, or of `scale`, where it is given. `least_prior_weight` is a share of the likelihood that the
        prior has however many customers there are.
        """
        scale = max(float(np.mean(history.age)), LEAST_SCALE) if scale is None else scale

        def log_likelihood(parameters: np.ndarray, distinct: PurchaseHistory) -> np.ndarray:
            return cls(*parameters).log_likelihood(distinct)

        weight = max(prior_weight(len(history), prior_spread), least_prior_weight)
        return cls(*likeliest(history, log_likelihood, (1.0, scale, 1.0, scale), weight))

    def log_likelihood(self, history: PurchaseHistory) -> np.ndarray:
        """Of each customer's (x, t_x, T), (customers,)."""
        shape = self.r + history.frequency
        still, left = self._still_and_left(history)
        constant = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        log_likelihood: np.ndarray = constant + np.logaddexp(still, left)
        return log_likelihood

    def p_alive(self, history: PurchaseHistory) -> np.ndarray:
        """P(still a customer at T), (customers,). It says nothing of when an order comes: no churn risk."""
        still, left = self._still_and_left(history)
        p_alive: np.ndarray = np.exp(still - np.logaddexp(still, left))
        return p_alive

    def probability(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """P(at least one order in (T, T + horizon]), (customers,); `horizon` is one or (customers,)."""
        shape, alpha, beta = self._if_alive(history)
        # Given alive at T, the customer is a new one with these parameters; no order is its likelihood of x = 0.
        still = -shape * np.log1p(horizon / alpha) - self.s * np.log1p(horizon / beta)
        left = _log_integral(shape, alpha, self.s, beta, np.zeros(len(history)), np.broadcast_to(horizon, len(history)))
        left = left + np.log(self.s) + shape * np.log(alpha) + self.s * np.log(beta)
        probability: np.ndarray = self.p_alive(history) * np.clip(-np.expm1(np.logaddexp(still, left)), 0.0, 1.0)
        return probability

    def expected_orders(self, history: PurchaseHistory, horizon: float | np.ndarray) -> np.ndarray:
        """Orders expected in (T, T + horizon], (customers,); `horizon` is one or (customers,)."""
        shape, alpha, beta = self._if_alive(history)
        logs = np.log1p(horizon / beta)
        # (1 - e^-(s - 1) logs) / (s - 1), which tends to logs where s tends to 1.
        exponent = (self.s - 1) * logs
        small = np.abs(exponent) < 1e-8
        share = np.where(small, 1.0, -np.expm1(-exponent) / np.where(small, 1.0, exponent))
        expected: np.ndarray = self.p_alive(history) * shape * beta / alpha * logs * share
        return expected

    def simulate(
        self, history: PurchaseHistory, horizon: float | np.ndarray, draws: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Orders in (T, T + horizon] drawn from each customer's own distribution, (customers, draws) of integers."""
        shape, alpha, beta = (column[:, None] for column in self._if_alive(history))
        size = (len(history), draws)
        rate = generator.gamma(shape, 1 / alpha, size)
        leaving_rate = np.maximum(generator.gamma(self.s, 1 / beta, size), LEAST_RATE)
        longest = np.broadcast_to(np.asarray(horizon, dtype=float).reshape(-1, 1), (len(history), 1))
        active = np.minimum(generator.exponential(1.0, size) / leaving_rate, longest)
        alive = generator.random(size) < self.p_alive(history)[:, None]
        return np.where(alive, generator.poisson(rate * active), 0)

    def to_json(self) -> dict[str, Any]:
        return {"model": "pareto_nbd"} | asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(*(float(stored[name]) for name in ("r", "alpha", "s", "beta")))

    def _still_and_left(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihoods, but for a common constant, of being a customer at T and of having left after t_x."""
        shape = self.r + history.frequency
        still = -shape * np.log(self.alpha + history.age) - self.s * np.log(self.beta + history.age)
        left = np.log(self.s) + _log_integral(shape, self.alpha, self.s, self.beta, history.recency, history.age)
        return still, left

    def _if_alive(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Given alive at T: lambda is Gamma(shape, alpha), mu is Gamma(s, beta), independent; each (customers,)."""
        return self.r + history.frequency, self.alpha + history.age, self.beta + history.age


def _log_integral(
    shape: np.ndarray,  # (customers,)
    alpha: float | np.ndarray,
    s: float,
    beta: float | np.ndarray,
    start: np.ndarray,  # (customers,)
    end: np.ndarray,  # (customers,)
) -> np.ndarray:
    """Log of the integral of (alpha + t)^-shape (beta + t)^-(s + 1) over t from start to end; -inf where they meet.

    In u = log(least + t), with the lesser of alpha and beta, the integrand is smooth, and falls ever faster: it is cut
    where nothing is left of it.
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
    with np.errstate(divide="ignore"):  # no time for leaving in: log 0 is meant
        log_sum = np.log(total * width / 2)
    log_integral: np.ndarray = log_sum + np.log(from_least) - shape * np.log(from_alpha) - (s + 1) * np.log(from_beta)
    return log_integral
