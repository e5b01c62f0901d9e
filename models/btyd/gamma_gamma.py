"""Gamma-Gamma: what a customer's orders are worth on average, drawn towards everybody's mean where there are few.

The values of a customer's orders vary as Gamma(p, nu), and nu varies between customers as Gamma(q, v), independently
of how often they order: where those who order more also order dearer, the model cannot see it.

Fader and Hardie, "The Gamma-Gamma model of monetary value", 2013.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import gammaln

from models.statistics.maximum_likelihood import maximum_likelihood, prior_weight

LEAST_RATE: Final = 1e-200  # an order of a value beyond measure


@dataclass(frozen=True)
class GammaGamma:
    """The three parameters; p and v above 0, and q above 1, so that there is a mean. v carries the unit of money."""

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, orders: np.ndarray, mean_value: np.ndarray, prior_spread: float | None = None) -> Self:
        """Greatest likelihood of customers' numbers of orders and their mean values (customers,).

        Customers whose orders were worth nothing are left out; at least one must remain. Below some hundred customers
        give `prior_spread`, the standard deviation of a prior on the logarithms of the parameters, say 1.
        """
        paid = mean_value > 0
        orders, mean_value = orders[paid], mean_value[paid]

        def mean_log_likelihood(parameters: np.ndarray) -> float:
            p, above_one, v = parameters
            return float(cls(p, 1 + above_one, v).log_likelihood(orders, mean_value).mean())

        weight = prior_weight(len(orders), prior_spread)
        start = (2.0, 2.0, float(mean_value.mean()))  # so that the mean of all is the mean of the values
        p, above_one, v = map(float, maximum_likelihood(mean_log_likelihood, start, weight))
        return cls(p, 1 + above_one, v)

    def log_likelihood(self, orders: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
        """Density of each customer's mean value, above 0, given the number of orders, as a logarithm (customers,)."""
        shape = self.p * orders
        constant = gammaln(shape + self.q) - gammaln(shape) - gammaln(self.q) + self.q * np.log(self.v)
        log_likelihood: np.ndarray = (
            constant
            + (shape - 1) * np.log(mean_value)
            + shape * np.log(orders)
            - (shape + self.q) * np.log(self.v + orders * mean_value)
        )
        return log_likelihood

    def expected_value(self, orders: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
        """What an order to come is worth on average, (customers,); where `orders` is 0, everybody's mean."""
        value: np.ndarray = self.p * (self.v + orders * mean_value) / (self.p * orders + self.q - 1)
        return value

    def simulate(
        self, orders: np.ndarray, mean_value: np.ndarray, future_orders: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """Value of so many orders to come, (customers, draws) like `future_orders`, each from its own distribution."""
        shape, rate = (self.p * orders + self.q)[:, None], (self.v + orders * mean_value)[:, None]
        nu = np.maximum(generator.gamma(shape, 1 / rate, future_orders.shape), LEAST_RATE)
        return generator.gamma(self.p * future_orders) / nu

    def to_json(self) -> dict[str, Any]:
        return {"model": "gamma_gamma"} | asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(*(float(stored[name]) for name in ("p", "q", "v")))
