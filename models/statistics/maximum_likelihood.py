"""Maximum likelihood over positive parameters, searched on the logarithmic scale within wide bounds."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy.optimize import minimize

from models.customers.purchase_history import PurchaseHistory

LOG_BOUND: Final = 12.0  # parameters lie between e^-12 and e^12 times their start, also where no maximum exists


def maximum_likelihood(
    log_likelihood: Callable[[np.ndarray], float], start: Sequence[float], prior_weight: float = 0.0
) -> np.ndarray:
    """The positive parameters (parameters,) that maximise the mean log-likelihood, searched from the start.

    The penalty is `prior_weight` times half the squared distance of the logarithms from the start: a normal prior
    around the start, whose precision is `prior_weight` times the number of cases. Without it, the maximum of few cases
    is often at infinity.
    """
    origin = np.log(start)

    def loss(logs: np.ndarray) -> float:
        return prior_weight / 2 * float(((logs - origin) ** 2).sum()) - log_likelihood(np.exp(logs))

    bounds = [(log - LOG_BOUND, log + LOG_BOUND) for log in origin]
    end = minimize(loss, origin, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-7})
    return np.asarray(np.exp(end.x))


def fit_histories(
    history: PurchaseHistory,
    log_likelihood: Callable[[np.ndarray, PurchaseHistory], np.ndarray],
    start: Sequence[float],
    prior_weight: float,
) -> list[float]:
    """Maximum-likelihood parameters of purchase histories; customers with equal histories are computed once."""
    distinct, _, customers = history.distinct()

    def mean_log_likelihood(parameters: np.ndarray) -> float:
        return float(np.average(log_likelihood(parameters, distinct), weights=customers))

    return list(map(float, maximum_likelihood(mean_log_likelihood, start, prior_weight)))


def prior_weight(cases: int, std: float | None) -> float:
    """The `prior_weight` of a prior with this standard deviation of the logarithms; None: no prior."""
    return 0.0 if std is None else 1 / (cases * std**2)
