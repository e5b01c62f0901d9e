"""The data of the BTYD models: the number of a customer's orders, the times of the first and the last, their value."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class PurchaseHistory:
    """One row per customer, sorted by identifier. Times are in the unit that was asked for, all arrays (customers,).

    A customer's clock starts with the first order: `frequency` counts the orders after it (x), `recency` is the time
    of the last order (t_x, 0 for those with one order only) and `age` the time until now (T). `mean_value` is the mean
    of all orders' values, the first included.
    """

    customer_id: np.ndarray
    frequency: np.ndarray  # x = 0, 1, 2 ...
    recency: np.ndarray  # 0 <= t_x <= T
    age: np.ndarray  # T
    mean_value: np.ndarray

    def __post_init__(self) -> None:
        assert self.customer_id.shape == self.frequency.shape == self.recency.shape == self.age.shape
        assert self.mean_value.shape == self.frequency.shape

    @classmethod
    def of_orders(
        cls, customer_id: np.ndarray, day: np.ndarray, value: np.ndarray, last_day: int, unit_days: float = 1.0
    ) -> Self:
        """Fold orders (orders,) into customers; `day` and `last_day`, the last one seen, count days from any origin.

        All of a customer's orders of one day are one order, of their summed value; orders after `last_day` are left
        out. The caller leaves out cancelled and returned orders.
        """
        seen = day <= last_day
        customers, code = np.unique(customer_id[seen], return_inverse=True)
        # One number for a customer and a day of age: sorting it is faster than sorting pairs.
        age_days, span = last_day - day[seen].astype(np.int64), int(last_day - day.min(initial=last_day)) + 1
        owner, ages = np.divmod(np.unique(code * span + age_days), span)  # (customer-days,), youngest order first
        _, start, orders = np.unique(owner, return_index=True, return_counts=True)
        last, first = ages[start], ages[start + orders - 1]
        means = np.bincount(code, weights=value[seen], minlength=len(customers)) / orders
        return cls(customers, orders - 1, (first - last) / unit_days, first / unit_days, means)

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def orders(self) -> np.ndarray:
        """Orders (customers,), the first included."""
        return self.frequency + 1

    def distinct(self) -> tuple["PurchaseHistory", np.ndarray, np.ndarray]:
        """Customers with the same (x, t_x, T) as one: (history, its row for each customer, customers in each row).

        Their identifier and mean value are those of one of them.
        """
        triples = np.stack([self.frequency, self.recency, self.age], axis=1)
        _, first, row, customers = np.unique(
            triples, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        return self.subset(first), row.ravel(), customers

    def subset(self, rows: np.ndarray) -> "PurchaseHistory":
        """The customers in these rows."""
        return PurchaseHistory(
            self.customer_id[rows], self.frequency[rows], self.recency[rows], self.age[rows], self.mean_value[rows]
        )
