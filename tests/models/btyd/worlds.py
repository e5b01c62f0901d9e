"""Customers who order and leave as Pareto/NBD says, with parameters that are known."""

import numpy as np

from models.btyd.pareto_nbd import ParetoNBD
from models.customers.purchase_history import PurchaseHistory

PLANTED = ParetoNBD(0.6, 10.0, 0.7, 12.0)
AGE, HORIZON = 39.0, 39.0


def customer(frequency: float, recency: float, age: float) -> PurchaseHistory:
    return customers([frequency], [recency], [age])


def customers(frequency: list[float], recency: list[float], age: list[float]) -> PurchaseHistory:
    names = np.array([str(n) for n in range(len(frequency))])
    columns = (np.array(column, dtype=float) for column in (frequency, recency, age))
    return PurchaseHistory(names, *columns, mean_value=np.ones(len(frequency)))


def planted_world(count: int, seed: int = 1) -> tuple[PurchaseHistory, np.ndarray]:
    """Histories until AGE, and the orders of the HORIZON after it (customers,), customer by customer."""
    generator = np.random.default_rng(seed)
    rate = generator.gamma(PLANTED.r, 1 / PLANTED.alpha, count)
    leaving = generator.exponential(1 / generator.gamma(PLANTED.s, 1 / PLANTED.beta, count))
    times = [
        np.sort(generator.uniform(0, end, generator.poisson(r * end)))
        for r, end in zip(rate, np.minimum(leaving, AGE + HORIZON), strict=True)
    ]
    known = [np.concatenate([[0.0], each[each <= AGE]]) for each in times]
    history = customers([len(each) - 1 for each in known], [each[-1] for each in known], [AGE] * count)
    return history, np.array([(each > AGE).sum() for each in times])
