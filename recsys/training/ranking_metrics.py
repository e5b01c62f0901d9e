"""Metrics of ranked lists against sets of targets, per example, so that the means can have confidence intervals."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recsys.kernels.pair_counts import find


@dataclass(frozen=True)
class RankedLists:
    """Ranked lists and their targets.

    `lists` (examples, k) int64, best first, -1 where a list ends early; `targets` (pairs,) int64, sorted and distinct,
    are example * item_count + item. An example without targets has undefined metrics (NaN).
    """

    lists: np.ndarray
    targets: np.ndarray
    item_count: int

    @cached_property
    def hits(self) -> np.ndarray:
        """(examples, k) bool."""
        keys = np.arange(len(self.lists))[:, None] * self.item_count + self.lists
        found = find(self.targets, keys.ravel()).reshape(keys.shape) >= 0
        return found & (self.lists >= 0)

    @cached_property
    def target_counts(self) -> np.ndarray:
        """(examples,) int64."""
        return np.bincount(self.targets // self.item_count, minlength=len(self.lists))

    def recall(self, k: int) -> np.ndarray:
        """Per example: the share of its targets among the first k."""
        return self._where_defined(self.hits[:, :k].sum(axis=1) / np.maximum(self.target_counts, 1))

    def ndcg(self, k: int) -> np.ndarray:
        """Per example: discounted cumulative gain of the first k over that of a perfect list (Järvelin, 2002)."""
        gains = 1.0 / np.log2(np.arange(2, k + 2))
        perfect = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(self.target_counts, k)]
        found = self.hits[:, :k] @ gains[: self.lists.shape[1]]
        return self._where_defined(found / np.maximum(perfect, gains[0]))

    def mrr(self, k: int) -> np.ndarray:
        """Per example: one over the rank of the first target among the first k, 0 if there is none."""
        hits = self.hits[:, :k]
        return self._where_defined(np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0))

    def coverage(self, k: int) -> float:
        """The share of the catalogue that appears within the first k of any list."""
        shown = np.unique(self.lists[:, :k])
        return float((shown >= 0).sum() / max(self.item_count, 1))

    def only(self, mask: np.ndarray) -> "RankedLists":
        """The same lists against the targets of `mask` (pairs,) bool alone."""
        return replace(self, targets=self.targets[mask])

    def _where_defined(self, values: np.ndarray) -> np.ndarray:
        return np.where(self.target_counts > 0, values, np.nan)


def mean(values: np.ndarray) -> float | None:
    """The mean over the examples for which the metric is defined; None if there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None
