"""Multiplicative exponential smoothing of all series at once: what was known of each when a period began.

A series is split into a level and effects: of the position in the cycle, of the dominant covariate's value at that
position, of the other categorical covariates and of the part of the month. All are exponentially weighted ratios, each
series' own shrunk towards the one pooled over all series. Nothing looks ahead, and periods without sales do no harm.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.panel import PreparedPanel

COLD_START_SHRINKAGE: Final = 3.0  # periods' worth of the level that all groups start with
MIN_COLD_START, MAX_COLD_START = 1e-4, 1.0  # periods' worth of its group's level that a series borrows
MIN_COLD_START_SERIES: Final = 5  # of a group, from which that is learned
ALL_NOISE: Final = 1e9  # of a group in which no variance between series is known
EFFECT_VARIANCE: Final = 0.04  # of effects between series, against which a series' own noise is weighed
SHRINKAGE_LIMITS: Final = (1.0, 200.0)  # periods' worth of the pooled effect
INITIAL_DISPERSION: Final = 1.0
SLOW_DECAY: Final = 0.985
FAST_DECAY: Final = 0.75
COVARIATE_DECAY: Final = 0.995
MIXED: Final = (2, -3, -1)  # windows, by index: short, medium and long
EFFECT_LIMITS: Final = (0.1, 10.0)
OUTLIER_LEVELS: Final = 5.0
OUTLIER_SIZES: Final = 5.0
RATIO_LIMIT: Final = 8.0
LEVEL_FLOOR: Final = 0.02  # a level is at least this share of the demand size
MIN_OUTLIER_PERIODS: Final = 5  # usable periods before outliers are capped
_TINY: Final = 1e-9


@dataclass(frozen=True)
class SmoothedRows:
    """Features (rows, features) and their names; each row's base forecast, and its series' level and demand size.

    `relative` (series, periods): units over effects and the slow level, NaN where a cell is not usable.
    """

    features: np.ndarray
    names: tuple[str, ...]
    base: np.ndarray
    level: np.ndarray
    demand_size: np.ndarray
    relative: np.ndarray


class _Effect:
    """An effect of each series by code: a weighted sum of ratios and its weight."""

    def __init__(self, series: int, codes: int, decay: float) -> None:
        self.total = np.zeros((series, codes))
        self.weight = np.zeros((series, codes))
        self.decay = decay

    def value(self, series: np.ndarray, code: np.ndarray, pooled: np.ndarray, shrinkage: np.ndarray) -> np.ndarray:
        return (self.total[series, code] + shrinkage * pooled) / (self.weight[series, code] + shrinkage)

    def update(self, series: np.ndarray, code: np.ndarray | int, ratio: np.ndarray) -> None:
        self.total[series, code] = self.decay * self.total[series, code] + ratio
        self.weight[series, code] = self.decay * self.weight[series, code] + 1


class _PooledEffect:
    """The same effect over all series together, by code."""

    def __init__(self, codes: int) -> None:
        self.value = np.ones(codes)

    def update(self, effect: _Effect, codes: np.ndarray) -> None:
        for code in codes:
            weight = effect.weight[:, code].sum()
            self.value[code] = effect.total[:, code].sum() / weight if weight > 0 else 1.0


class Smoothing:
    """The components of all series, updated period by period."""

    def __init__(self, prepared: PreparedPanel) -> None:
        panel, series = prepared.panel, prepared.panel.series
        self.prepared = prepared
        self.windows = np.array(panel.frequency.windows, dtype=np.float64)
        self.decay = np.exp(-1.0 / self.windows)[:, None]
        self.total = np.zeros((len(self.windows), series))
        self.sold = np.zeros((len(self.windows), series))
        self.weight = np.zeros((len(self.windows), series))
        self.count = np.zeros(series)
        self.since = np.zeros(series)
        self.size_total, self.size_square, self.size_weight = (np.zeros(series) for _ in range(3))
        self.dispersion_total, self.dispersion_weight = np.zeros(series), np.zeros(series)
        self.last = np.zeros((3, series))
        cycles = int(prepared.cycle.max()) + 1
        self.categories = 1 if prepared.dominant_codes is None else int(prepared.dominant_codes.max(initial=0)) + 1
        self.cycle = _Effect(series, cycles, SLOW_DECAY)
        self.slow = _Effect(series, cycles * self.categories, SLOW_DECAY)
        self.fast = _Effect(series, cycles * self.categories, FAST_DECAY)
        self.pooled_cycle, self.pooled_slow = _PooledEffect(cycles), _PooledEffect(cycles * self.categories)
        self.covariate_codes = {
            name: codes.astype(np.int64) for name, codes in prepared.categorical.items() if name != prepared.dominant
        }
        if prepared.month_part is not None:
            self.covariate_codes["month_part"] = np.broadcast_to(prepared.month_part, (series, prepared.width))
        self.covariate = {
            name: _Effect(series, int(codes.max()) + 1, COVARIATE_DECAY) for name, codes in self.covariate_codes.items()
        }
        self.pooled_covariate = {name: _PooledEffect(effect.total.shape[1]) for name, effect in self.covariate.items()}
        self.relative = np.full(panel.units.shape, np.nan, dtype=np.float32)
        self.cold_start_group = prepared.groups[-1]
        self.cold_start_total = np.zeros(int(self.cold_start_group.max()) + 1)
        self.cold_start_weight = np.zeros(len(self.cold_start_total))
        self.noise_ratio = np.full(len(self.cold_start_total), ALL_NOISE)
        self.new_count, self.new_total, self.new_square = (np.zeros(series) for _ in range(3))

    def levels(self, series: np.ndarray) -> np.ndarray:
        """(windows, chosen): units per period without effects; a series without a past takes its group's level."""
        borrowed = self._borrowed(series)
        found: np.ndarray = (self.total[:, series] + borrowed * self.cold_start_level(series)) / (
            self.weight[:, series] + borrowed + _TINY
        )
        return found

    def cold_start_level(self, series: np.ndarray) -> np.ndarray:
        """What series of the same group sell per period when they are new."""
        overall = self.cold_start_total.sum() / max(self.cold_start_weight.sum(), _TINY)
        group = self.cold_start_group[series]
        found: np.ndarray = (self.cold_start_total[group] + COLD_START_SHRINKAGE * overall) / (
            self.cold_start_weight[group] + COLD_START_SHRINKAGE
        )
        return found

    def _borrowed(self, series: np.ndarray) -> np.ndarray:
        """How many periods of a series' own its group's level is worth: less with each period.

        It is the series' noise over the variance between the series of its group. Noise grows with the level, so a
        small series beside large ones borrows little. A series without a past borrows everything.
        """
        own = self.new_total[series] / np.maximum(self.new_count[series], 1)
        strength = np.clip(self.noise_ratio[self.cold_start_group[series]] * own, MIN_COLD_START, MAX_COLD_START)
        return np.where(self.count[series] > 0, strength, MAX_COLD_START) * np.exp(-self.count[series])

    def demand_size(self, series: np.ndarray) -> np.ndarray:
        """Units in a period with sales."""
        return np.where(
            self.size_weight[series] > 0,
            self.size_total[series] / np.maximum(self.size_weight[series], _TINY),
            self.cold_start_level(series),
        )

    def dispersion(self, series: np.ndarray) -> np.ndarray:
        """The mean distance of a period's units from the level, over the level."""
        return (self.dispersion_total[series] + INITIAL_DISPERSION) / (self.dispersion_weight[series] + 1)

    def shrinkage(self, series: np.ndarray) -> np.ndarray:
        """After how many periods a series' own effect counts half: the noisier the series, the more."""
        return np.clip(np.square(self.dispersion(series)) * 1.5 / EFFECT_VARIANCE, *SHRINKAGE_LIMITS)

    def level(self, levels: np.ndarray, demand_size: np.ndarray) -> np.ndarray:
        """Short, medium and long windows averaged; above 0 where anything ever sold."""
        return np.maximum(np.maximum(levels[list(MIXED)].mean(axis=0), LEVEL_FLOOR * demand_size), _TINY)

    def effects(self, series: np.ndarray, period: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the position in the cycle; of the dominant covariate there; and the latter's recent one; (rows,) each."""
        position, shrinkage = self.prepared.cycle[period], self.shrinkage(series)
        cycle = self.cycle.value(series, position, self.pooled_cycle.value[position], shrinkage)
        key = self._key(series, period)
        # The covariate's lift at that position, over all series, on top of the series' own effect there.
        lift = self.pooled_slow.value[key] / np.maximum(self.pooled_cycle.value[position], _TINY)
        slow = np.clip(self.slow.value(series, key, cycle * lift, shrinkage), *EFFECT_LIMITS)
        fast = np.clip(self.fast.value(series, key, slow, shrinkage), *EFFECT_LIMITS)
        return np.clip(cycle, *EFFECT_LIMITS), slow, fast

    def covariate_effects(self, series: np.ndarray, period: np.ndarray) -> dict[str, np.ndarray]:
        """The effects of the other categorical covariates and of the part of the month."""
        found, shrinkage = {}, self.shrinkage(series)
        for name, codes in self.covariate_codes.items():
            code = codes[series, period]
            found[name] = self.covariate[name].value(series, code, self.pooled_covariate[name].value[code], shrinkage)
        return found

    def _key(self, series: np.ndarray, period: np.ndarray) -> np.ndarray:
        position = self.prepared.cycle[period]
        codes = self.prepared.dominant_codes
        return position if codes is None else position * self.categories + codes[series, period]

    def update(self, period: int) -> None:
        """Take in one period of every series in which it is usable."""
        series = np.flatnonzero(self.prepared.usable[:, period])
        if not len(series):
            return
        now = np.full(len(series), period)
        _, effect, _ = self.effects(series, now)
        levels, demand_size = self.levels(series), self.demand_size(series)
        level = self.level(levels, demand_size)
        units = self.prepared.panel.units[series, period].astype(np.float64)
        has_history = self.count[series] >= MIN_OUTLIER_PERIODS
        limit = OUTLIER_LEVELS * effect * level + OUTLIER_SIZES * demand_size
        units = np.where(has_history, np.minimum(units, limit), units)
        self._update_cold_start(series, units)
        self._update_effects(series, now, units, effect, levels[-1], demand_size)
        self._update_levels(series, units / effect, level, units)

    def _update_cold_start(self, series: np.ndarray, units: np.ndarray) -> None:
        is_new = self.count[series] < self.prepared.panel.frequency.new_periods
        if not is_new.any():
            return
        chosen, size = series[is_new], len(self.cold_start_total)
        group = self.cold_start_group[chosen]
        self.cold_start_total += np.bincount(group, units[is_new], minlength=size)
        self.cold_start_weight += np.bincount(group, minlength=size)
        self.new_count[chosen] += 1
        self.new_total[chosen] += units[is_new]
        self.new_square[chosen] += np.square(units[is_new])
        self._update_noise_ratio()

    def _update_noise_ratio(self) -> None:
        """By group: the variance within new series over that between them, per unit of their mean."""
        known = self.new_count >= 2
        group, size = self.cold_start_group[known], len(self.cold_start_total)
        count, mean = self.new_count[known], self.new_total[known] / self.new_count[known]
        series = np.maximum(np.bincount(group, minlength=size), 1)
        centre = np.bincount(group, mean, minlength=size) / series
        noise = np.bincount(group, self.new_square[known] - count * np.square(mean), minlength=size)
        within = noise / np.maximum(np.bincount(group, count - 1, minlength=size), 1)
        between = np.bincount(group, np.square(mean - centre[group]), minlength=size) / np.maximum(series - 1, 1)
        between -= within * np.bincount(group, 1 / count, minlength=size) / series
        ratio = within / np.maximum(between * centre, _TINY)
        self.noise_ratio = np.where(series >= MIN_COLD_START_SERIES, np.minimum(ratio, ALL_NOISE), ALL_NOISE)

    def _update_effects(
        self,
        series: np.ndarray,
        now: np.ndarray,
        units: np.ndarray,
        effect: np.ndarray,
        slow_level: np.ndarray,
        demand_size: np.ndarray,
    ) -> None:
        slow_level = np.maximum(slow_level, np.maximum(LEVEL_FLOOR * demand_size, _TINY))
        known = self.count[series] > 0
        relative = np.minimum(units / (effect * slow_level), RATIO_LIMIT)
        self.relative[series, now] = np.where(known, relative, np.nan)
        series, now, ratio = series[known], now[known], np.minimum(units / slow_level, RATIO_LIMIT)[known]
        position, key = self.prepared.cycle[now], self._key(series, now)
        for name, codes in self.covariate_codes.items():
            code = codes[series, now]
            self.covariate[name].update(series, code, relative[known])
            self.pooled_covariate[name].update(self.covariate[name], np.unique(code))
        self.cycle.update(series, position, ratio)
        self.slow.update(series, key, ratio)
        self.fast.update(series, key, ratio)
        self.pooled_cycle.update(self.cycle, np.unique(position))
        self.pooled_slow.update(self.slow, np.unique(key))

    def _update_levels(
        self, series: np.ndarray, without_effects: np.ndarray, level: np.ndarray, units: np.ndarray
    ) -> None:
        sold = units > 0
        self.total[:, series] = self.decay * self.total[:, series] + without_effects
        self.sold[:, series] = self.decay * self.sold[:, series] + sold
        self.weight[:, series] = self.decay * self.weight[:, series] + 1
        long = self.decay[-1]
        self.dispersion_total[series] = self.decay[-3] * self.dispersion_total[series] + np.minimum(
            np.abs(without_effects / level - 1), RATIO_LIMIT
        )
        self.dispersion_weight[series] = self.decay[-3] * self.dispersion_weight[series] + 1
        selling, amount = series[sold], units[sold]
        self.size_total[selling] = long * self.size_total[selling] + amount
        self.size_square[selling] = long * self.size_square[selling] + np.square(amount)
        self.size_weight[selling] = long * self.size_weight[selling] + 1
        self.last[1:, series] = self.last[:-1, series]
        self.last[0, series] = without_effects
        self.since[series] = np.where(sold, 0, self.since[series] + 1)
        self.count[series] += 1

    def features_at(
        self, series: np.ndarray, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Features (features, rows), base, level and demand size of rows whose origin is the next period."""
        levels, demand_size = self.levels(series), self.demand_size(series)
        level = self.level(levels, demand_size)
        cycle, slow, fast = self.effects(series, target)
        covariate_effects = self.covariate_effects(series, target)
        base = level * slow
        weight = np.maximum(self.weight[:, series], _TINY)
        shares = (self.sold[:, series] / weight)[list(MIXED)]
        square = self.size_square[series] / np.maximum(self.size_weight[series], _TINY)
        features = [
            *(levels / level),
            *(self.last[:, series] / level),
            *shares,
            cycle,
            slow,
            fast / slow,
            *covariate_effects.values(),
            np.minimum(self.since[series], self.windows[-1]),
            np.minimum(self.count[series], 2 * self.windows[-1]),
            np.maximum(square / np.maximum(np.square(demand_size), _TINY) - 1, 0),
            demand_size / level,
            self.dispersion(series),
        ]
        return np.stack(features), base, level, demand_size

    @property
    def names(self) -> tuple[str, ...]:
        windows = [int(window) for window in self.windows]
        return (
            *(f"level_{window}" for window in windows),
            *("last_1", "last_2", "last_3"),
            *(f"selling_share_{name}" for name in ("short", "medium", "long")),
            *("effect_cycle", "effect_covariate", "effect_covariate_recent"),
            *(f"effect_{name}" for name in self.covariate_codes),
            *("since_sale", "usable_periods", "size_cv2", "demand_size", "dispersion"),
        )


def smooth(prepared: PreparedPanel, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> SmoothedRows:
    """Smooth the whole panel and read off each row's features at its origin; `target` are periods from it on."""
    smoothing = Smoothing(prepared)
    order = np.argsort(origin, kind="stable")
    ends = np.searchsorted(origin[order], np.arange(prepared.panel.periods + 2))
    features = np.empty((len(series), len(smoothing.names)), dtype=np.float32)
    base, level, size = (np.empty(len(series)) for _ in range(3))
    for period in range(prepared.panel.periods + 1):
        rows = order[ends[period] : ends[period + 1]]
        if len(rows):
            found, base[rows], level[rows], size[rows] = smoothing.features_at(series[rows], target[rows])
            features[rows] = found.T
        if period < prepared.panel.periods:
            smoothing.update(period)
    return SmoothedRows(features, smoothing.names, base, level, size, smoothing.relative)
