"""What the lifetime-value model is fitted to and predicts from."""

from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import numpy as np

from contracts.errors import InputError
from models.btyd.model import BTYDForecast


@dataclass(frozen=True)
class ValueParameters:
    """Every parameter of the value family."""

    test_days: int = 90  # of the test period, or a third of the history where that is less
    snapshots: int = 8  # past dates that the training cases are taken from
    snapshot_half_life: float = 4.0  # a case this many snapshots back has half the weight
    min_customers: int = 50  # customers with an order; with fewer the family is skipped
    min_buyers: int = 10  # who ordered again
    min_history_days: int = 56  # days between first and last event; with fewer the family is skipped
    max_training_rows: int = 150_000  # rows; beyond them a sample is trained on
    trees: int = 200  # trees of the gradient boosting
    leaves: int = 8  # leaves per tree
    learning_rate: float = 0.03  # of the gradient boosting
    min_rows_per_leaf: int = 200  # rows, the least that a leaf of a tree holds
    leaf_penalty: float = 20.0  # L2 penalty on the leaves' values
    inverse_penalty: float = 0.01  # of the logistic regression

    def __post_init__(self) -> None:
        if not 7 <= self.test_days <= 365:
            raise InputError(f"test_days is {self.test_days}; allowed are 7 to 365.")
        if self.snapshots < 2:
            raise InputError(f"snapshots is {self.snapshots}; at least 2 are needed.")


@dataclass(frozen=True)
class ValueInputs:
    """Customers at a snapshot, within one horizon."""

    features: np.ndarray  # (customers, len(MODEL_FEATURES)), NaN where missing
    btyd: BTYDForecast

    def __len__(self) -> int:
        return len(self.features)

    def subset(self, rows: np.ndarray) -> Self:
        """The customers in these rows."""
        return type(self)(self.features[rows], self.btyd.subset(rows))


@dataclass(frozen=True)
class ValueCases:
    """Customers at snapshots, and what they ordered and spent within the horizon, each (cases,)."""

    inputs: ValueInputs
    orders: np.ndarray
    spend: np.ndarray
    weight: np.ndarray

    @classmethod
    def concatenated(cls, parts: list[Self]) -> Self:
        """All cases of the parts, in their order."""
        btyd = BTYDForecast(
            *(np.concatenate([getattr(part.inputs.btyd, each.name) for part in parts]) for each in fields(BTYDForecast))
        )
        inputs = ValueInputs(np.concatenate([part.inputs.features for part in parts]), btyd)
        outcomes = (np.concatenate([getattr(part, name) for part in parts]) for name in ("orders", "spend", "weight"))
        return cls(inputs, *outcomes)

    def sampled(self, max_rows: int, seed: int) -> Self:
        """All cases, or a random `max_rows` of them."""
        if len(self.orders) <= max_rows:
            return self
        return self.subset(np.sort(np.random.default_rng(seed).choice(len(self.orders), max_rows, replace=False)))

    def subset(self, rows: np.ndarray) -> Self:
        """The cases in these rows."""
        return type(self)(self.inputs.subset(rows), self.orders[rows], self.spend[rows], self.weight[rows])


class Expectation(NamedTuple):
    """What is expected within one horizon, each (customers,)."""

    probability: np.ndarray  # of at least one order
    orders: np.ndarray
    spend: np.ndarray

    @classmethod
    def of_btyd(cls, btyd: BTYDForecast) -> "Expectation":
        """What the BTYD model alone expects."""
        return cls(btyd.probability, btyd.orders, btyd.orders * btyd.order_value)
