"""Predictive distributions of units, and of cumulative demand, from the backtest's errors.

A small forest (LightGBM in random-forest mode) splits the backtest's rows by their errors, and each leaf keeps the
quantiles of its own rows (after Meinshausen, 2006, "Quantile regression forests"). So the spread depends on what is
known of a row: how many sales are expected, how regular its series is, how far ahead it lies. No method was fitted on
these rows.

Quantiles of steps do not add up: good and bad periods cancel in part, while a wrong level does not. So the sum of the
coming periods, which an order for a lead time needs, has a forest of its own, learned from the backtest's own sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.demand.backtest import BacktestRows
from models.demand.forecast import QUANTILE_LEVELS
from models.demand.rows import Rows
from models.protocol import FitContext
from models.statistics.gradient_boosting import settings

TREES: Final = 24
LEAVES: Final = 48
MIN_ROWS_PER_LEAF: Final = 150
ERROR_LIMIT: Final = 3.0
MAX_BETWEEN_SHARE: Final = 0.2  # of a column's variance between windows
GRID: Final = 10  # at most so many numbers of steps are trained on, for sums
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
    """A forest on some `columns` of the features, and by tree each leaf's quantiles of units over the centre.

    `quantiles` are (leaves, QUANTILE_LEVELS) for each tree.
    """

    forest: lgb.Booster
    columns: np.ndarray
    quantiles: tuple[np.ndarray, ...]

    def predict(self, features: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Quantiles in units, at least 0, (rows, QUANTILE_LEVELS)."""
        leaf = _leaves(self.forest, features[:, self.columns])
        quantiles = np.zeros((len(centre), len(QUANTILE_LEVELS)))
        for tree, values in enumerate(self.quantiles):
            quantiles += values[leaf[:, tree]]
        found: np.ndarray = np.maximum(quantiles, 0) / len(self.quantiles) * centre[:, None]
        return found


def fit_quantile_forest(
    features: np.ndarray,
    centre: np.ndarray,
    units: np.ndarray,
    window: np.ndarray,
    context: FitContext,
    is_median: bool = False,
) -> QuantileForest:
    """The forest of `units` over `centre`; `window` are the backtest's windows.

    Where the centre `is_median`, every error counts with both signs. Then the forest's median is the centre, and an
    error that a whole window shares widens the band. It does not shift it: a few windows cannot tell its sign.
    """
    ratio = units / np.maximum(centre, _TINY)
    columns = _stable_columns(features, window)
    chosen = features[:, columns]
    forest_settings = _settings(len(ratio), context)
    data = lgb.Dataset(chosen, np.minimum(np.abs(ratio - 1), ERROR_LIMIT), params=forest_settings)
    forest = lgb.train(forest_settings, data, TREES)
    leaf = _leaves(forest, chosen)
    if is_median:
        leaf, ratio = np.concatenate([leaf, leaf]), np.concatenate([ratio, 2 - ratio])
    return QuantileForest(forest, columns, _leaf_quantiles(leaf, ratio))


def uncertainty_features(rows: Rows, mean: np.ndarray, forecasts: Sequence[np.ndarray]) -> np.ndarray:
    """(rows, features) float32: how many sales are expected, how the series sold, and how far the methods agree."""
    column = {name: index for index, name in enumerate(rows.names)}
    expected = np.maximum(mean, _TINY)
    columns = [
        np.log(expected / np.maximum(rows.demand_size, _TINY)),
        np.log(expected / rows.level),
        np.minimum(np.stack(forecasts).std(axis=0) / expected, 3),
        *(rows.features[:, column[name]] for name in ROW_FEATURES),
    ]
    return np.column_stack(columns).astype(np.float32)


@dataclass(frozen=True)
class CumulativeDemand:
    """A quantile forest of sums over expected sums.

    Sums are learned around the sum of the means: a sum of medians is no median, and far too low for rare sales.
    """

    forest: QuantileForest

    @classmethod
    def fit(
        cls, rows: BacktestRows, demand_size: np.ndarray, features: np.ndarray, horizon: int, context: FitContext
    ) -> "CumulativeDemand":
        """From the backtest's rows, and the demand size and `uncertainty_features` of each."""
        case, cases = _cases(rows)
        step = rows.target - rows.origin
        dense = {name: np.zeros((cases, horizon)) for name in ("mean", "units", "counts")}
        for name, values in (("mean", rows.mean), ("units", rows.units), ("counts", np.ones(len(rows)))):
            dense[name][case, step] = values
        wide = np.zeros((cases, horizon, features.shape[1]), dtype=np.float32)
        wide[case, step] = features
        first = np.unique(case, return_index=True)[1]
        window, size = rows.window[first], demand_size[first]
        parts = []
        for steps in step_grid(horizon):
            counts = dense["counts"][:, :steps] > 0
            expected, units = dense["mean"][:, :steps].sum(axis=1), dense["units"][:, :steps].sum(axis=1)
            known = counts.any(axis=1) & (expected > 0)
            of_sums = cumulative_features(dense["mean"][:, :steps], size, wide[:, :steps], counts)
            parts.append((of_sums[known], expected[known], units[known], window[known]))
        of_sums, expected, units, window = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(fit_quantile_forest(of_sums, expected, units, window, context))

    def predict(self, mean: np.ndarray, demand_size: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Quantiles of the running sums (series, steps, QUANTILE_LEVELS) of `mean` (series, steps).

        `demand_size` (series,) are the units in a period with sales, `features` (series, steps, features) those of
        `uncertainty_features`.
        """
        series, horizon = mean.shape
        expected = np.cumsum(mean, axis=1)
        quantiles = np.zeros((series, horizon, len(QUANTILE_LEVELS)))
        for step in range(1, horizon + 1):
            everything = np.ones((series, step), dtype=bool)
            of_sums = cumulative_features(mean[:, :step], demand_size, features[:, :step], everything)
            quantiles[:, step - 1] = self.forest.predict(of_sums, np.maximum(expected[:, step - 1], _TINY))
        # A longer sum is never smaller.
        return np.sort(np.maximum.accumulate(quantiles, axis=1), axis=-1)


def step_grid(horizon: int) -> np.ndarray:
    """The numbers of steps to train on: all of a short horizon, geometrically spaced over a long one."""
    return np.unique(np.round(np.geomspace(1, horizon, min(horizon, GRID))).astype(np.int64))


def cumulative_features(
    mean: np.ndarray, demand_size: np.ndarray, features: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """The steps' features weighted by their means, and the numbers of steps and sales: (series, features + 3)."""
    weight = np.maximum(mean * counts, _TINY)[..., None]
    averaged = (features * weight).sum(axis=1) / weight.sum(axis=1)
    steps = np.log(np.maximum(counts.sum(axis=1), 1))
    size = np.log(np.maximum((mean * counts).sum(axis=1) / np.maximum(mean * counts, _TINY).mean(axis=1), 1))
    sales = np.log(np.maximum((mean * counts).sum(axis=1), _TINY) / np.maximum(demand_size, _TINY))
    return np.column_stack([averaged, steps, size, sales]).astype(np.float32)


def _cases(rows: BacktestRows) -> tuple[np.ndarray, int]:
    """Which (window, series) each row belongs to, and how many there are."""
    key = rows.window * (int(rows.series.max(initial=0)) + 1) + rows.series
    found, case = np.unique(key, return_inverse=True)
    return case, len(found)


def _stable_columns(features: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The columns that vary within windows; a few windows are too few to learn from values that a whole one shares.

    A column is left out where the variance of its windows' means is more than MAX_BETWEEN_SHARE of its variance.
    """
    means, count = np.zeros((2, features.shape[1])), np.zeros(features.shape[1])
    for number in np.unique(window):
        part = features[window == number]
        known = np.isfinite(part).sum(axis=0)
        total = np.nansum(part, axis=0, dtype=np.float64)
        means += np.stack([total, np.square(total) / np.maximum(known, 1)])
        count += known
    count = np.maximum(count, 1)
    squared_mean = np.square(means[0] / count)
    variance = np.nansum(np.square(features, dtype=np.float64), axis=0) / count - squared_mean
    between = means[1] / count - squared_mean
    return np.flatnonzero(between <= MAX_BETWEEN_SHARE * variance + _TINY)


def _leaves(forest: lgb.Booster, features: np.ndarray) -> np.ndarray:
    found = np.asarray(forest.predict(features, pred_leaf=True), dtype=np.int64)
    return found.reshape(len(features), -1)


def _leaf_quantiles(leaf: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, ...]:
    """By tree, the quantiles of each leaf's rows; those of all rows for a leaf without any."""
    found = []
    overall = _quantiles(np.sort(ratio), np.array([0]), np.array([len(ratio)]))[0]
    for tree in range(leaf.shape[1]):
        order = np.lexsort((ratio, leaf[:, tree]))
        leaves = max(LEAVES, int(leaf[:, tree].max()) + 1)
        counts = np.bincount(leaf[:, tree], minlength=leaves)
        begins = np.r_[0, np.cumsum(counts)[:-1]]
        of_tree = np.tile(overall, (leaves, 1))
        full = counts > 0
        of_tree[full] = _quantiles(ratio[order], begins[full], counts[full])
        found.append(of_tree)
    return tuple(found)


def _quantiles(ordered: np.ndarray, begins: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Quantiles of runs of sorted values, by the finite-sample rank of split conformal prediction."""
    rank = np.clip((counts[:, None] + 1) * np.asarray(QUANTILE_LEVELS) - 1, 0, counts[:, None] - 1)
    below = np.floor(rank).astype(np.int64)
    above = np.minimum(below + 1, counts[:, None] - 1)
    share = rank - below
    return ordered[begins[:, None] + below] * (1 - share) + ordered[begins[:, None] + above] * share


def _settings(rows: int, context: FitContext) -> dict[str, Any]:
    return settings(
        boosting="rf",
        objective="regression",
        num_leaves=LEAVES,
        min_data_in_leaf=max(min(MIN_ROWS_PER_LEAF, rows // 20), 1),
        feature_fraction_bynode=0.7,  # by node, so that every tree can use the expected number of sales
        bagging_fraction=0.6,
        bagging_freq=1,
        max_bin=127,
        seed=context.seed,
        threads=context.threads,
    )
