"""Maximum likelihood over positive parameters: searched on the logarithmic scale, within wide bounds."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy.optimize import minimize

from models.customers.purchase_history import PurchaseHistory

LOG_BOUND: Final = 12.0  # parameters between e^-12 and e^12 times their start: where the data cannot tell, it stops


def maximum_likelihood(
    log_likelihood: Callable[[np.ndarray], float], start: Sequence[float], prior_weight: float = 0.0
) -> np.ndarray:
    """The positive parameters (parameters,) of the greatest mean log-likelihood, searched from the start.

    `prior_weight` times half the squared distance from the start, in logarithms, is taken off: a normal prior around
    the start whose precision is `prior_weight` times the number of cases. Without it, the likelihood of few cases is
    often greatest at infinity.
    """
    origin = np.log(start)

    def loss(logs: np.ndarray) -> float:
        return prior_weight / 2 * float(((logs - origin) ** 2).sum()) - log_likelihood(np.exp(logs))

    bounds = [(log - LOG_BOUND, log + LOG_BOUND) for log in origin]
    end = minimize(loss, origin, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-7})
    parameters: np.ndarray = np.exp(end.x)
    return parameters


def likeliest(
    history: PurchaseHistory,
    log_likelihood: Callable[[np.ndarray, PurchaseHistory], np.ndarray],
    start: Sequence[float],
    prior_weight: float,
) -> list[float]:
    """The parameters under which the purchase histories are likeliest; customers of one history are computed once."""
    distinct, _, customers = history.distinct()

    def mean_log_likelihood(parameters: np.ndarray) -> float:
        return float(np.average(log_likelihood(parameters, distinct), weights=customers))

    return list(map(float, maximum_likelihood(mean_log_likelihood, start, prior_weight)))


def prior_weight(cases: int, spread: float | None) -> float:
    """What `maximum_likelihood` takes for a prior of this standard deviation of logarithms; None: no prior."""
    return 0.0 if spread is None else 1 / (cases * spread**2)
