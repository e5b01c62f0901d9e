"""How far demand lies from what was expected: its quantiles over the expectation, from rows that no model had seen.

A small forest (LightGBM in its random-forest mode) parts the backtest's rows by how far they lay off; each leaf keeps
the quantiles of its own rows (after Meinshausen, 2006, "Quantile regression forests"). So the spread follows what is
known of a row: how many sales are expected, how even its series was, how far ahead it lies.
"""

from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.demand.forecast import LEVELS
from models.statistics.gradient_boosting import settings

TREES: Final = 24
LEAVES: Final = 48
MIN_ROWS_PER_LEAF: Final = 150
ERROR_LIMIT: Final = 3.0
SHARED: Final = 0.2  # of a column's variance between windows
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Spread:
    """The forest on some `columns` of the features; by tree, each leaf's quantiles of units over centre and its share
    of zeros, (leaves, LEVELS) and (leaves,).
    """

    forest: lgb.Booster
    columns: np.ndarray
    quantiles: tuple[np.ndarray, ...]
    zeros: tuple[np.ndarray, ...]

    def predict(self, features: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles in units (rows, LEVELS), and the chance of 0 (rows,)."""
        leaf = _leaves(self.forest, features[:, self.columns])
        quantiles = np.zeros((len(centre), len(LEVELS)))
        zeros = np.zeros(len(centre))
        for tree, (values, shares) in enumerate(zip(self.quantiles, self.zeros, strict=True)):
            quantiles += values[leaf[:, tree]]
            zeros += shares[leaf[:, tree]]
        return quantiles / len(self.quantiles) * centre[:, None], zeros / len(self.zeros)


def fit_spread(
    features: np.ndarray, centre: np.ndarray, units: np.ndarray, fold: np.ndarray, seed: int, threads: int
) -> tuple[Spread, np.ndarray, np.ndarray]:
    """The spread of `units` over `centre`; and each row's quantiles and chance of 0 as the other folds tell them."""
    ratio = units / np.maximum(centre, _TINY)
    columns = _telling(features, fold)
    spread = _fit(features, columns, ratio, seed, threads)
    quantiles, zeros = np.zeros((len(units), len(LEVELS))), np.zeros(len(units))
    for number in np.unique(fold):
        inside = fold == number
        # Where the trees part is learnt from the rows too: one forest for all folds would know too much of each.
        others = spread if inside.all() else _fit(features[~inside], columns, ratio[~inside], seed, threads)
        quantiles[inside], zeros[inside] = others.predict(features[inside], centre[inside])
    return spread, quantiles, zeros


def _telling(features: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The columns that do more than tell the folds apart: a few windows are too few to learn from what is one for all.

    A column is left out where its folds' means hold more than SHARED of its variance.
    """
    means, count = np.zeros((2, features.shape[1])), np.zeros(features.shape[1])
    for number in np.unique(fold):
        part = features[fold == number]
        known = np.isfinite(part).sum(axis=0)
        total = np.nansum(part, axis=0, dtype=np.float64)
        means += np.stack([total, np.square(total) / np.maximum(known, 1)])
        count += known
    count = np.maximum(count, 1)
    squared_mean = np.square(means[0] / count)
    variance = np.nansum(np.square(features, dtype=np.float64), axis=0) / count - squared_mean
    between = means[1] / count - squared_mean
    found: np.ndarray = np.flatnonzero(between <= SHARED * variance + _TINY)
    return found


def _fit(features: np.ndarray, columns: np.ndarray, ratio: np.ndarray, seed: int, threads: int) -> Spread:
    forest_settings = _settings(len(ratio), seed, threads)
    chosen = features[:, columns]
    forest = lgb.train(
        forest_settings,
        lgb.Dataset(chosen, np.minimum(np.abs(ratio - 1), ERROR_LIMIT), params=forest_settings),
        TREES,
    )
    return _from_leaves(forest, columns, _leaves(forest, chosen), ratio)


def _leaves(forest: lgb.Booster, features: np.ndarray) -> np.ndarray:
    found = np.asarray(forest.predict(features, pred_leaf=True), dtype=np.int64)
    return found.reshape(len(features), -1)


def _from_leaves(forest: lgb.Booster, columns: np.ndarray, leaf: np.ndarray, ratio: np.ndarray) -> Spread:
    quantiles, zeros = [], []
    overall = _quantiles(np.sort(ratio), np.array([0]), np.array([len(ratio)]))[0]
    for tree in range(leaf.shape[1]):
        order = np.lexsort((ratio, leaf[:, tree]))
        leaves = max(LEAVES, int(leaf[:, tree].max()) + 1)
        counts = np.bincount(leaf[:, tree], minlength=leaves)
        begins = np.r_[0, np.cumsum(counts)[:-1]]
        found = np.tile(overall, (leaves, 1))
        full = counts > 0
        found[full] = _quantiles(ratio[order], begins[full], counts[full])
        share = np.bincount(leaf[:, tree], ratio <= 0, minlength=leaves)
        quantiles.append(found)
        zeros.append(np.where(full, share / np.maximum(counts, 1), float((ratio <= 0).mean())))
    return Spread(forest, columns, tuple(quantiles), tuple(zeros))


def _quantiles(ordered: np.ndarray, begins: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """LEVELS of stretches of sorted values, by the finite-sample rank of split conformal prediction."""
    place = np.clip((counts[:, None] + 1) * np.asarray(LEVELS) - 1, 0, counts[:, None] - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, counts[:, None] - 1)
    share = place - below
    found: np.ndarray = ordered[begins[:, None] + below] * (1 - share) + ordered[begins[:, None] + above] * share
    return found


def _settings(rows: int, seed: int, threads: int) -> dict[str, Any]:
    return settings(
        boosting="rf",
        objective="regression",
        num_leaves=LEAVES,
        min_data_in_leaf=max(min(MIN_ROWS_PER_LEAF, rows // 20), 1),
        feature_fraction_bynode=0.7,  # not by tree: one that never sees what sells knows no few from many
        bagging_fraction=0.6,
        bagging_freq=1,
        max_bin=127,
        seed=seed,
        threads=threads,
    )
