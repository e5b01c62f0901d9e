"""Between what amounts a customer's spend will probably lie, from how earlier predictions turned out.

Earlier predictions, for periods that their models had not seen, are grouped by how many orders were expected: where
one in ten is expected, almost all spend nothing; where ten are, almost nobody strays far. What matters is the number of
expected orders and not the period, so that the same curves serve any horizon.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

COVERAGE: Final = 0.8
GROUP: Final = 150  # earlier predictions in a group, at least
MAX_GROUPS: Final = 12
LEAST_SPEND: Final = 1e-9


@dataclass(frozen=True)
class ValueInterval:
    """Spend over expected spend at the interval's ends, on straight lines between groups of expected orders."""

    log_orders: tuple[float, ...]  # rising
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def fit(cls, orders: np.ndarray, expected: np.ndarray, spend: np.ndarray) -> Self:
        """From expected orders, expected spend and the spend that came, each (cases,); at least one case."""
        ratio = spend / np.maximum(expected, LEAST_SPEND)
        by_orders = np.argsort(orders, kind="stable")
        groups = np.array_split(by_orders, int(np.clip(len(orders) // GROUP, 1, MAX_GROUPS)))
        ends = [_ends(ratio[rows]) for rows in groups]
        middles = np.array([float(np.log(orders[rows]).mean()) for rows in groups])
        middles += np.arange(len(groups)) * LEAST_SPEND  # rising, even where all expect the same
        return cls(tuple(map(float, middles)), tuple(low for low, _ in ends), tuple(high for _, high in ends))

    def between(self, orders: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The 80 % interval around the expected spend, which lies within it: (low, high), each (customers,)."""
        place = np.log(orders)
        low = np.interp(place, self.log_orders, self.low) * expected
        high = np.interp(place, self.log_orders, self.high) * expected
        return np.minimum(low, expected), np.maximum(high, expected)

    def to_json(self) -> dict[str, Any]:
        return {"log_orders": self.log_orders, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(*(tuple(stored[name]) for name in ("log_orders", "low", "high")))


def _ends(ratio: np.ndarray) -> tuple[float, float]:
    """From nothing where many spend nothing, else with as many below as above; the finite-sample rank of conformal."""
    tail = (1 - COVERAGE) / 2
    has_zeros = float((ratio <= 0).mean()) >= tail
    level = COVERAGE if has_zeros else 1 - tail
    upper = min(np.ceil((len(ratio) + 1) * level) / len(ratio), 1.0)
    return 0.0 if has_zeros else float(np.quantile(ratio, tail)), float(np.quantile(ratio, upper, method="lower"))
