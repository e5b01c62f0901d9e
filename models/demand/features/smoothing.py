"""One walk through time for all series at once: what was known of each when a period began, for any rows asked for.

A series is split into a level and effects: of the place in the cycle, of the state of the covariate that moves demand
most at that place, of the other covariates and of the part of the month. All are exponentially weighted ratios, shrunk
to what they are for all series, so that nothing looks ahead and a zero does no harm.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.prepared_panel import Cells

START_SHRINK: Final = 3.0  # periods' worth of what all groups start with
EFFECT_VARIANCE: Final = 0.04  # of effects between series: how far they are believed against a series' own noise
SHRINK_LIMITS: Final = (1.0, 200.0)  # periods' worth of the wider effect
UNKNOWN_SPREAD: Final = 1.0
SLOW: Final = 0.985
FAST: Final = 0.75
SIDE: Final = 0.995
MIXED: Final = (2, -3, -1)  # windows, by place: short, middling and long
EFFECT_LIMITS: Final = (0.1, 10.0)
OUTLIER_LEVELS: Final = 5.0
OUTLIER_SALES: Final = 5.0
RATIO_LIMIT: Final = 8.0
FLOOR_SALES: Final = 0.02  # a level is at least so much of a sale
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Walked:
    """Features (rows, features) and their names; each row's base forecast, and its series' level and sale.

    `relative` (series, periods): units over effects and the slow level, NaN where a cell does not count.
    """

    features: np.ndarray
    names: tuple[str, ...]
    base: np.ndarray
    level: np.ndarray
    sale: np.ndarray
    relative: np.ndarray


class _Effect:
    """An effect of each series per code: a weighted sum of ratios and its weight."""

    def __init__(self, series: int, codes: int, decay: float) -> None:
        self.total = np.zeros((series, codes))
        self.weight = np.zeros((series, codes))
        self.decay = decay

    def value(self, series: np.ndarray, code: np.ndarray, wider: np.ndarray, shrink: np.ndarray) -> np.ndarray:
        found: np.ndarray = (self.total[series, code] + shrink * wider) / (self.weight[series, code] + shrink)
        return found

    def update(self, series: np.ndarray, code: np.ndarray | int, ratio: np.ndarray) -> None:
        self.total[series, code] = self.decay * self.total[series, code] + ratio
        self.weight[series, code] = self.decay * self.weight[series, code] + 1


class _Shared:
    """The same effect over all series together, per code."""

    def __init__(self, codes: int) -> None:
        self.value = np.ones(codes)

    def update(self, effect: _Effect, codes: np.ndarray) -> None:
        for code in codes:
            weight = effect.weight[:, code].sum()
            self.value[code] = effect.total[:, code].sum() / weight if weight > 0 else 1.0


class Walk:
    """The state of all series as one period after another becomes known."""

    def __init__(self, cells: Cells) -> None:
        panel, series = cells.panel, cells.panel.series
        self.cells = cells
        self.windows = np.array(panel.frequency.windows, dtype=np.float64)
        self.decay = np.exp(-1.0 / self.windows)[:, None]
        self.total = np.zeros((len(self.windows), series))
        self.sold = np.zeros((len(self.windows), series))
        self.weight = np.zeros((len(self.windows), series))
        self.count = np.zeros(series)
        self.since = np.zeros(series)
        self.sale_total, self.sale_square, self.sale_weight = (np.zeros(series) for _ in range(3))
        self.spread_total, self.spread_weight = np.zeros(series), np.zeros(series)
        self.last = np.zeros((3, series))
        cycles = int(cells.cycle.max()) + 1
        self.states = 1 if cells.main_state is None else int(cells.main_state.max(initial=0)) + 1
        self.cycle = _Effect(series, cycles, SLOW)
        self.slow = _Effect(series, cycles * self.states, SLOW)
        self.fast = _Effect(series, cycles * self.states, FAST)
        self.all_cycle, self.all_slow = _Shared(cycles), _Shared(cycles * self.states)
        self.side_codes = {name: codes.astype(np.int64) for name, codes in cells.states.items() if name != cells.main}
        if cells.month_part is not None:
            self.side_codes["month_part"] = np.broadcast_to(cells.month_part, (series, cells.width))
        self.side = {name: _Effect(series, int(codes.max()) + 1, SIDE) for name, codes in self.side_codes.items()}
        self.all_side = {name: _Shared(effect.total.shape[1]) for name, effect in self.side.items()}
        self.relative = np.full(panel.units.shape, np.nan, dtype=np.float32)
        self.start_group = cells.groups[-1]
        self.start_total = np.zeros(int(self.start_group.max()) + 1)
        self.start_weight = np.zeros(len(self.start_total))

    # What is known now.

    def levels(self, series: np.ndarray) -> np.ndarray:
        """(windows, chosen): units per period, effects taken out; a series without a past borrows its group's start."""
        borrowed = np.exp(-self.count[series])
        found: np.ndarray = (self.total[:, series] + borrowed * self.start(series)) / (
            self.weight[:, series] + borrowed + _TINY
        )
        return found

    def start(self, series: np.ndarray) -> np.ndarray:
        """What a series of the same group usually sells at first."""
        overall = self.start_total.sum() / max(self.start_weight.sum(), _TINY)
        group = self.start_group[series]
        found: np.ndarray = (self.start_total[group] + START_SHRINK * overall) / (
            self.start_weight[group] + START_SHRINK
        )
        return found

    def sale(self, series: np.ndarray) -> np.ndarray:
        """Units in a period with sales."""
        return np.where(
            self.sale_weight[series] > 0,
            self.sale_total[series] / np.maximum(self.sale_weight[series], _TINY),
            self.start(series),
        )

    def spread(self, series: np.ndarray) -> np.ndarray:
        """How far a period's units usually lay off the level, over the level."""
        told = self.spread_total[series] + UNKNOWN_SPREAD
        found: np.ndarray = told / (self.spread_weight[series] + 1)
        return found

    def shrink(self, series: np.ndarray) -> np.ndarray:
        """How many periods of a series it takes to believe an effect of its own half: the more, the noisier it is."""
        found: np.ndarray = np.clip(np.square(self.spread(series)) * 1.5 / EFFECT_VARIANCE, *SHRINK_LIMITS)
        return found

    def level(self, levels: np.ndarray, sale: np.ndarray) -> np.ndarray:
        """Short, middling and long windows averaged: steady, yet awake; above 0 where anything ever sold."""
        found: np.ndarray = np.maximum(np.maximum(levels[list(MIXED)].mean(axis=0), FLOOR_SALES * sale), _TINY)
        return found

    def effects(self, series: np.ndarray, period: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the place in the cycle, of the main state there, and of the latter lately; for each (series, period)."""
        place, shrink = self.cells.cycle[period], self.shrink(series)
        cycle = self.cycle.value(series, place, self.all_cycle.value[place], shrink)
        key = self._key(series, period)
        # The state's own lift at that place, over all series, on top of what the series does there.
        lift = self.all_slow.value[key] / np.maximum(self.all_cycle.value[place], _TINY)
        slow = np.clip(self.slow.value(series, key, cycle * lift, shrink), *EFFECT_LIMITS)
        fast = np.clip(self.fast.value(series, key, slow, shrink), *EFFECT_LIMITS)
        return np.clip(cycle, *EFFECT_LIMITS), slow, fast

    def sides(self, series: np.ndarray, period: np.ndarray) -> dict[str, np.ndarray]:
        """The effects of the other covariates' states and of the part of the month."""
        found, shrink = {}, self.shrink(series)
        for name, codes in self.side_codes.items():
            code = codes[series, period]
            found[name] = self.side[name].value(series, code, self.all_side[name].value[code], shrink)
        return found

    def _key(self, series: np.ndarray, period: np.ndarray) -> np.ndarray:
        place = self.cells.cycle[period]
        state = self.cells.main_state
        key: np.ndarray = place if state is None else place * self.states + state[series, period]
        return key

    # What becomes known.

    def learn(self, period: int) -> None:
        """Take in one period of every series in which it counts."""
        series = np.flatnonzero(self.cells.counts[:, period])
        if not len(series):
            return
        now = np.full(len(series), period)
        _, effect, _ = self.effects(series, now)
        levels, sale = self.levels(series), self.sale(series)
        level = self.level(levels, sale)
        units = self.cells.panel.units[series, period].astype(np.float64)
        is_known_well = self.count[series] >= 5
        limit = OUTLIER_LEVELS * effect * level + OUTLIER_SALES * sale
        units = np.where(is_known_well, np.minimum(units, limit), units)
        self._learn_start(series, units)
        self._learn_effects(series, now, units, effect, levels[-1], sale)
        self._learn_levels(series, units / effect, level, units)

    def _learn_start(self, series: np.ndarray, units: np.ndarray) -> None:
        is_new = self.count[series] < self.cells.panel.frequency.new_periods
        group = self.start_group[series[is_new]]
        self.start_total += np.bincount(group, units[is_new], minlength=len(self.start_total))
        self.start_weight += np.bincount(group, minlength=len(self.start_total))

    def _learn_effects(
        self,
        series: np.ndarray,
        now: np.ndarray,
        units: np.ndarray,
        effect: np.ndarray,
        slow_level: np.ndarray,
        sale: np.ndarray,
    ) -> None:
        slow_level = np.maximum(slow_level, np.maximum(FLOOR_SALES * sale, _TINY))
        known = self.count[series] > 0
        relative = np.minimum(units / (effect * slow_level), RATIO_LIMIT)
        self.relative[series, now] = np.where(known, relative, np.nan)
        series, now, ratio = series[known], now[known], np.minimum(units / slow_level, RATIO_LIMIT)[known]
        place, key = self.cells.cycle[now], self._key(series, now)
        for name, codes in self.side_codes.items():
            code = codes[series, now]
            self.side[name].update(series, code, relative[known])
            self.all_side[name].update(self.side[name], np.unique(code))
        self.cycle.update(series, place, ratio)
        self.slow.update(series, key, ratio)
        self.fast.update(series, key, ratio)
        self.all_cycle.update(self.cycle, np.unique(place))
        self.all_slow.update(self.slow, np.unique(key))

    def _learn_levels(self, series: np.ndarray, plain: np.ndarray, level: np.ndarray, units: np.ndarray) -> None:
        sold = units > 0
        self.total[:, series] = self.decay * self.total[:, series] + plain
        self.sold[:, series] = self.decay * self.sold[:, series] + sold
        self.weight[:, series] = self.decay * self.weight[:, series] + 1
        long = self.decay[-1]
        self.spread_total[series] = self.decay[-3] * self.spread_total[series] + np.minimum(
            np.abs(plain / level - 1), RATIO_LIMIT
        )
        self.spread_weight[series] = self.decay[-3] * self.spread_weight[series] + 1
        selling, amount = series[sold], units[sold]
        self.sale_total[selling] = long * self.sale_total[selling] + amount
        self.sale_square[selling] = long * self.sale_square[selling] + np.square(amount)
        self.sale_weight[selling] = long * self.sale_weight[selling] + 1
        self.last[1:, series] = self.last[:-1, series]
        self.last[0, series] = plain
        self.since[series] = np.where(sold, 0, self.since[series] + 1)
        self.count[series] += 1

    # Rows.

    def look(self, series: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Features (features, rows), base, level and sale of rows whose origin is now."""
        levels, sale = self.levels(series), self.sale(series)
        level = self.level(levels, sale)
        cycle, slow, fast = self.effects(series, target)
        sides = self.sides(series, target)
        base = level * slow
        weight = np.maximum(self.weight[:, series], _TINY)
        shares = (self.sold[:, series] / weight)[list(MIXED)]
        square = self.sale_square[series] / np.maximum(self.sale_weight[series], _TINY)
        features = [
            *(levels / level),
            *(self.last[:, series] / level),
            *shares,
            cycle,
            slow,
            fast / slow,
            *sides.values(),
            np.minimum(self.since[series], self.windows[-1]),
            np.minimum(self.count[series], 2 * self.windows[-1]),
            np.maximum(square / np.maximum(np.square(sale), _TINY) - 1, 0),
            sale / level,
            self.spread(series),
        ]
        return np.stack(features), base, level, sale

    @property
    def names(self) -> tuple[str, ...]:
        windows = [int(window) for window in self.windows]
        return (
            *(f"level_{window}" for window in windows),
            *("last_1", "last_2", "last_3"),
            *(f"selling_share_{name}" for name in ("short", "middling", "long")),
            *("effect_cycle", "effect_state", "effect_state_lately"),
            *(f"effect_{name}" for name in self.side_codes),
            *("since_sale", "counted_periods", "sale_cv2", "sale_size", "spread"),
        )


def walk(cells: Cells, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> Walked:
    """Walk through the panel and look at each row at its origin; `target` are periods from the origin on."""
    state = Walk(cells)
    order = np.argsort(origin, kind="stable")
    ends = np.searchsorted(origin[order], np.arange(cells.panel.periods + 2))
    features = np.empty((len(series), len(state.names)), dtype=np.float32)
    base, level, sale = (np.empty(len(series)) for _ in range(3))
    for period in range(cells.panel.periods + 1):
        rows = order[ends[period] : ends[period + 1]]
        if len(rows):
            found, base[rows], level[rows], sale[rows] = state.look(series[rows], target[rows])
            features[rows] = found.T
        if period < cells.panel.periods:
            state.learn(period)
    return Walked(features, state.names, base, level, sale, state.relative)
