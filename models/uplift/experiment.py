"""The data of a randomised controlled experiment: a campaign with a treated and a control arm."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExperimentData:
    """Features before the campaign, the arm, and the outcome after it. Rows count by `weight`."""

    features: np.ndarray  # (rows, features), float; NaN where missing
    treated: np.ndarray  # (rows,), 1: contacted, 0: control
    outcome: np.ndarray  # (rows,), 1: ordered
    weight: np.ndarray  # (rows,)
    customers: np.ndarray  # (rows,) numbers; a customer of several campaigns has several rows

    def __post_init__(self) -> None:
        assert len({len(column) for column in vars(self).values()}) == 1

    @property
    def treated_share(self) -> float:
        return float((self.treated * self.weight).sum() / self.weight.sum())

    def subset(self, rows: np.ndarray) -> "ExperimentData":
        """The rows that `rows`, a mask or indices, select."""
        return ExperimentData(*(column[rows] for column in vars(self).values()))

    def folds(self, count: int, seed: int) -> np.ndarray:
        """A fold number per row, (rows,), stratified by arm and outcome; all rows of a customer are in one fold."""
        _, first, number = np.unique(self.customers, return_index=True, return_inverse=True)
        order = np.random.default_rng(seed).permutation(len(first))
        stratum = (2 * self.treated[first] + self.outcome[first])[order]
        folds = np.empty(len(order), np.int64)
        folds[order[np.argsort(stratum, kind="stable")]] = np.arange(len(order)) % count
        return np.asarray(folds[number])
