"""Gamma-Gamma: a customer's mean order value, shrunk towards the mean of all customers where there are few orders.

The values of a customer's orders vary as Gamma(p, nu), and nu varies between customers as Gamma(q, v), independently
of how often they order: the model cannot represent that frequent customers place larger orders.

Fader and Hardie, "The Gamma-Gamma model of monetary value", 2013.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import gammaln

from models.statistics.maximum_likelihood import maximum_likelihood, prior_weight


@dataclass(frozen=True)
class GammaGamma:
    """Three parameters: p and v above 0, and q above 1, so that a mean exists. v has the unit of money."""

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, orders: np.ndarray, mean_value: np.ndarray, prior_std: float | None = None) -> Self:
        """Fit by maximum likelihood to customers' numbers of orders and their mean values (customers,).

        Customers whose orders have no value are left out; at least one must remain. Below a few hundred customers, give
        `prior_std`: the standard deviation of a normal prior on the logarithms of the parameters, for example 1.
        """
        paid = mean_value > 0
        orders, mean_value = orders[paid], mean_value[paid]

        def mean_log_likelihood(parameters: np.ndarray) -> float:
            p, above_one, v = parameters
            return float(cls(p, 1 + above_one, v).log_likelihood(orders, mean_value).mean())

        weight = prior_weight(len(orders), prior_std)
        start = (2.0, 2.0, float(mean_value.mean()))  # so that the mean of all is the mean of the values
        p, above_one, v = map(float, maximum_likelihood(mean_log_likelihood, start, weight))
        return cls(p, 1 + above_one, v)

    def log_likelihood(self, orders: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
        """Log-density of each customer's mean value, above 0, given the number of orders, (customers,)."""
        shape = self.p * orders
        constant = gammaln(shape + self.q) - gammaln(shape) - gammaln(self.q) + self.q * np.log(self.v)
        return np.asarray(
            constant
            + (shape - 1) * np.log(mean_value)
            + shape * np.log(orders)
            - (shape + self.q) * np.log(self.v + orders * mean_value)
        )

    def expected_value(self, orders: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
        """Expected value of a future order, (customers,); the population mean where `orders` is 0."""
        return np.asarray(self.p * (self.v + orders * mean_value) / (self.p * orders + self.q - 1))
