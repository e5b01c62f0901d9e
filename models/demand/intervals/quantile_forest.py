"""Predictive distributions: quantiles of units over the mean forecast, from rows that no method was fitted on.

A small forest (LightGBM in random-forest mode) splits the backtest's rows by their errors, and each leaf keeps the
quantiles of its own rows (after Meinshausen, 2006, "Quantile regression forests"). So the spread depends on what is
known of a row: how many sales are expected, how regular its series is, how far ahead it lies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.demand.features.rows import Rows
from models.demand.forecast import QUANTILE_LEVELS
from models.statistics.gradient_boosting import settings

TREES: Final = 24
LEAVES: Final = 48
MIN_ROWS_PER_LEAF: Final = 150
ERROR_LIMIT: Final = 3.0
MAX_BETWEEN_SHARE: Final = 0.2  # of a column's variance between windows
ROW_FEATURES: Final = (
    "dispersion",
    "size_cv2",
    "selling_share_long",
    "selling_share_short",
    "usable_periods",
    "since_sale",
    "step",
)
_TINY: Final = 1e-9


@dataclass(frozen=True)
class QuantileForest:
    """A forest on some `columns` of the features.

    By tree: each leaf's `quantiles` of units over the centre, (leaves, QUANTILE_LEVELS), and its share of `zeros`,
    (leaves,).
    """

    forest: lgb.Booster
    columns: np.ndarray
    quantiles: tuple[np.ndarray, ...]
    zeros: tuple[np.ndarray, ...]

    def predict(self, features: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles in units (rows, QUANTILE_LEVELS), and the probability of 0 (rows,)."""
        leaf = _leaves(self.forest, features[:, self.columns])
        quantiles = np.zeros((len(centre), len(QUANTILE_LEVELS)))
        zeros = np.zeros(len(centre))
        for tree, (values, shares) in enumerate(zip(self.quantiles, self.zeros, strict=True)):
            quantiles += values[leaf[:, tree]]
            zeros += shares[leaf[:, tree]]
        return quantiles / len(self.quantiles) * centre[:, None], zeros / len(self.zeros)


def fit_quantile_forest(
    features: np.ndarray, centre: np.ndarray, units: np.ndarray, fold: np.ndarray, seed: int, threads: int
) -> tuple[QuantileForest, np.ndarray, np.ndarray]:
    """The forest of `units` over `centre`; and each row's quantiles and probability of 0, out of fold."""
    ratio = units / np.maximum(centre, _TINY)
    columns = _stable_columns(features, fold)
    forest = _fit(features, columns, ratio, seed, threads)
    quantiles, zeros = np.zeros((len(units), len(QUANTILE_LEVELS))), np.zeros(len(units))
    for number in np.unique(fold):
        inside = fold == number
        # The splits are learned from the rows too, so each fold needs a forest that did not see it.
        others = forest if inside.all() else _fit(features[~inside], columns, ratio[~inside], seed, threads)
        quantiles[inside], zeros[inside] = others.predict(features[inside], centre[inside])
    return forest, quantiles, zeros


def uncertainty_features(
    rows: Rows, mean: np.ndarray, median: np.ndarray, forecasts: Mapping[str, np.ndarray]
) -> np.ndarray:
    """(rows, features) float32: how many sales are expected, how the series sold, and how far the methods agree."""
    column = {name: index for index, name in enumerate(rows.names)}
    stacked = np.stack(list(forecasts.values()))
    expected = np.maximum(mean, _TINY)
    columns = [
        np.log(expected / np.maximum(rows.demand_size, _TINY)),
        np.log(expected / rows.level),
        np.minimum(median / expected, 3),
        np.minimum(stacked.std(axis=0) / expected, 3),
        *(rows.features[:, column[name]] for name in ROW_FEATURES),
    ]
    return np.column_stack(columns).astype(np.float32)


def _stable_columns(features: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The columns that vary within folds; a few windows are too few to learn from values that a whole window shares.

    A column is left out where the variance of its folds' means is more than MAX_BETWEEN_SHARE of its variance.
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
    return np.flatnonzero(between <= MAX_BETWEEN_SHARE * variance + _TINY)


def _fit(features: np.ndarray, columns: np.ndarray, ratio: np.ndarray, seed: int, threads: int) -> QuantileForest:
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


def _from_leaves(forest: lgb.Booster, columns: np.ndarray, leaf: np.ndarray, ratio: np.ndarray) -> QuantileForest:
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
    return QuantileForest(forest, columns, tuple(quantiles), tuple(zeros))


def _quantiles(ordered: np.ndarray, begins: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Quantiles of runs of sorted values, by the finite-sample rank of split conformal prediction."""
    rank = np.clip((counts[:, None] + 1) * np.asarray(QUANTILE_LEVELS) - 1, 0, counts[:, None] - 1)
    below = np.floor(rank).astype(np.int64)
    above = np.minimum(below + 1, counts[:, None] - 1)
    share = rank - below
    return ordered[begins[:, None] + below] * (1 - share) + ordered[begins[:, None] + above] * share


def _settings(rows: int, seed: int, threads: int) -> dict[str, Any]:
    return settings(
        boosting="rf",
        objective="regression",
        num_leaves=LEAVES,
        min_data_in_leaf=max(min(MIN_ROWS_PER_LEAF, rows // 20), 1),
        feature_fraction_bynode=0.7,  # by node, so that every tree can use the expected number of sales
        bagging_fraction=0.6,
        bagging_freq=1,
        max_bin=127,
        seed=seed,
        threads=threads,
    )
