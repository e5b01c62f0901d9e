"""The interval of a customer's spend, from the errors of earlier predictions.

Earlier predictions, for periods that their models had not seen, are grouped by the expected number of orders: the
relative error falls as that number rises. It depends on the number of orders and not on the period, so that the same
curves serve any horizon.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np

COVERAGE: Final = 0.8
GROUP_SIZE: Final = 150  # earlier predictions in a group, at least
MAX_GROUPS: Final = 12
TINY: Final = 1e-9


@dataclass(frozen=True)
class ValueInterval:
    """Spend over expected spend at the interval's ends, interpolated linearly between groups of expected orders."""

    log_orders: tuple[float, ...]  # rising
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def fit(cls, orders: np.ndarray, expected: np.ndarray, spend: np.ndarray) -> Self:
        """From expected orders, expected spend and actual spend, each (cases,); at least one case."""
        ratio = spend / np.maximum(expected, TINY)
        by_orders = np.argsort(orders, kind="stable")
        groups = np.array_split(by_orders, int(np.clip(len(orders) // GROUP_SIZE, 1, MAX_GROUPS)))
        ends = [_ends(ratio[rows]) for rows in groups]
        middles = np.array([float(np.log(orders[rows]).mean()) for rows in groups])
        middles += np.arange(len(groups)) * TINY  # rising, even where all expectations are equal
        return cls(tuple(map(float, middles)), tuple(low for low, _ in ends), tuple(high for _, high in ends))

    def between(self, orders: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The 80 % interval, which contains the expected spend: (low, high), each (customers,)."""
        log_orders = np.log(orders)
        low = np.interp(log_orders, self.log_orders, self.low) * expected
        high = np.interp(log_orders, self.log_orders, self.high) * expected
        return np.minimum(low, expected), np.maximum(high, expected)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(*(tuple(stored[name]) for name in ("log_orders", "low", "high")))


def _ends(ratio: np.ndarray) -> tuple[float, float]:
    """From 0 where many spend nothing, else two-sided; the upper rank has the conformal finite-sample correction."""
    tail = (1 - COVERAGE) / 2
    has_zeros = float((ratio <= 0).mean()) >= tail
    quantile = COVERAGE if has_zeros else 1 - tail
    upper = min(np.ceil((len(ratio) + 1) * quantile) / len(ratio), 1.0)
    return 0.0 if has_zeros else float(np.quantile(ratio, tail)), float(np.quantile(ratio, upper, method="lower"))
