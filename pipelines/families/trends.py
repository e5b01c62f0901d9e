"""The trends family: items and categories that rise or fall beyond season and noise, and by how much.

There are two baselines: to call nothing, and to call every item whose last four weeks differ by a quarter from the four
before. The second counts where its discoveries were clearly worth something. The gate compares the decision value of
the discoveries in the four weeks after, at the cost of a false discovery that follows from the promised false-discovery
rate (`models.trends.evaluation`). The share of false discoveries must not exceed the promise, as far as four weeks can
show. Further metrics: how often either method is right on the tenth of items with the strongest evidence, and how much
of the discovered change persisted.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.protocol import FitContext
from models.statistics.paired_bootstrap import PairedCases, difference
from models.trends.evaluation import NAIVE_WEEKS, LaterWeeks, later_weeks, naive_change, naive_directions, strongest
from models.trends.model import INTERVAL, MIN_WEEKS, PERCENT_WEEKS, TrendModel, TrendParameters, Trends, percent
from models.trends.seasonality import SEASON_SOURCES
from models.trends.weekly_sales import WEEK_DAYS, WeeklyPanel, category_panel, weekly
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.panel_builder import midnight, store_demand
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData

TREND: Final = "trend"  # rising | falling | steady, null: too new or sells too little
TREND_PERCENT: Final = "trend_percent"
TREND_LOW: Final = "trend_low"
TREND_HIGH: Final = "trend_high"
TREND_Q: Final = "trend_q"
TREND_SEASON: Final = "trend_season"
UNITS_CHANGE_PERCENT: Final = "units_change_percent"
CATEGORY_TREND: Final = "category_trend"
CATEGORY_TREND_PERCENT: Final = "category_trend_percent"
DIRECTIONS: Final = {1: "rising", -1: "falling", 0: "steady"}
TRENDS_FILE: Final = "trends.json"
LATER_WEEKS: Final = 4
NOTHING: Final = "calling nothing"  # the baselines
CHANGE: Final = "change of a quarter"
MAX_FALSE_SHARE: Final = 0.2  # above the promised rate, as true trends may end
REPLAYS: Final = 3


_BY_BASELINE: Final = {
    NOTHING: {TREND: "Steady for all: no method has been right about trends in this store so far."},
    CHANGE: {
        TREND: "Rising or falling: the last four weeks differ by a quarter or more from the four before.",
        TREND_PERCENT: "By how many percent the last four weeks differ from the four before.",
    },
}


@dataclass(frozen=True)
class WeeklyStore:
    """Weekly sales of the store's items, counted back from the last whole day."""

    item_ids: np.ndarray
    panel: WeeklyPanel
    categories: tuple[str, ...]  # names, indexed by the panel's codes


@dataclass(frozen=True)
class _Fit:
    """A fitted model and the trends of its panel."""

    model: TrendModel
    trends: Trends
    weeks: int  # of the panel
    answered_by: str = "model"

    @classmethod
    def of(cls, panel: WeeklyPanel, data: TrainingData) -> Self:
        model = TrendModel.fit(panel, data.parameters, FitContext(data.seed, data.threads))
        return cls(model, model.predict(panel), panel.weeks)

    def by_baseline(self, naive: "_Naive") -> "_Fit":
        """The same with what a baseline says of the tested items."""
        empty = np.full(len(naive.change), np.nan)
        slope = np.where(self.trends.is_tested, naive.change / NAIVE_WEEKS, np.nan)
        trends = replace(
            self.trends,
            slope=slope,
            low=empty,
            high=empty,
            q=empty,
            season=np.zeros(len(slope)),
            season_source=np.full(len(slope), SEASON_SOURCES.index("none")),
            store=0.0,
            direction=np.where(self.trends.is_tested, naive.direction, 0),
        )
        return replace(self, trends=trends, answered_by=naive.name)

    def summary(self) -> dict[str, Any]:
        """Facts about the trends, as JSON."""
        trends, null = self.trends, self.model.null
        values, counts = np.unique(trends.direction[trends.is_tested], return_counts=True)
        return {
            "answered_by": self.answered_by,
            "window_weeks": trends.window_weeks,
            "weeks": self.weeks,
            "items": {DIRECTIONS[int(value)]: int(count) for value, count in zip(values, counts, strict=True)},
            "not_judged": int((~trends.is_tested).sum()),
            "store_percent": round(float(percent(np.array(trends.store))), 1),
            "noise": {"dispersion": null.dispersion, "wander": null.rate_variance},
        }


@dataclass(frozen=True)
class _Naive:
    """What a baseline says of each item, (items,)."""

    name: str
    change: np.ndarray  # the last four weeks against the four before, as a difference of logs
    direction: np.ndarray

    @classmethod
    def of(cls, panel: WeeklyPanel, name: str) -> Self:
        change = naive_change(panel.units)
        return cls(name, change, naive_directions(change) if name == CHANGE else np.zeros(len(change), np.int8))


def backtest(data: TrainingData) -> Backtest:
    """Fit as of four weeks ago, and compare the trends with the sales since; once in a run."""
    key = (TrendModel, data.as_of, data.parameters, data.seed, data.threads)
    return data.cache.once(key, lambda: _backtest(data), (data.events, data.catalogue))


def _backtest(data: TrainingData) -> Backtest:
    parameters: TrendParameters = data.parameters
    end = midnight(data.as_of)
    start = end - timedelta(days=LATER_WEEKS * WEEK_DAYS)
    known = _weekly_store(data, start, LATER_WEEKS)
    panel = _continued(known, _weekly_store(data, end), LATER_WEEKS)
    data.progress("trends: of four weeks ago")
    fitted = _Fit.of(known.panel, data)
    trends = fitted.trends
    later = later_weeks(panel, LATER_WEEKS, trends.window_weeks)
    evidence = -np.nan_to_num(trends.p, nan=1.0)
    ours = _metrics(later, trends.direction, np.sign(trends.unshrunk), evidence, trends, parameters)
    values = _values(later, trends.direction, trends, parameters)
    theirs = _values(later, _Naive.of(known.panel, CHANGE).direction, trends, parameters)
    worth = difference(PairedCases.of_own_units(theirs, np.zeros(len(theirs))), data.seed)
    naive = _Naive.of(known.panel, CHANGE if worth is not None and worth.low > 0 else NOTHING)
    theirs = theirs if naive.name == CHANGE else np.zeros(len(theirs))
    is_silent = len(values) > 0 and not ours["called"]
    return Backtest(
        window_start=start,
        window_end=end,
        cases=len(values),
        metrics=ours | {"called_kept_share": later.persistence(trends, LATER_WEEKS)},
        baseline_metrics=_metrics(
            later, naive.direction, np.sign(naive.change), np.abs(naive.change), trends, parameters
        ),
        paired=PairedCases.of_own_units(values, theirs),
        baseline_name=naive.name,
        nothing="nothing to call: no rise or fall was clear enough" if is_silent else "",
        details=fitted.summary(),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit as of now, for items and for categories."""
    parameters: TrendParameters = data.parameters
    store = _weekly_store(data, data.as_of)
    data.progress("trends: items")
    fitted = _Fit.of(store.panel, data)
    data.progress("trends: categories")
    by_category = _Fit.of(category_panel(store.panel), data).trends if store.categories else None
    return _family_of(store, fitted, by_category, parameters)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The items that the better baseline of the last four weeks calls; without such weeks, none."""
    store = _weekly_store(data, data.as_of)
    data.progress("trends: items")
    fitted = _Fit.of(store.panel, data)
    try:
        name = backtest(data).baseline_name
    except NotEnoughData:
        name = NOTHING
    return _family_of(store, fitted.by_baseline(_Naive.of(store.panel, name)), None, data.parameters)


def _family_of(
    store: WeeklyStore, fitted: _Fit, by_category: Trends | None, parameters: TrendParameters
) -> FittedFamily:
    trends = fitted.trends
    table = item_table(store, trends, by_category)
    if fitted.answered_by == NOTHING:  # its growth is no trend
        table = table.set_column(
            table.column_names.index(TREND_PERCENT), TREND_PERCENT, pa.nulls(len(table), pa.float64())
        )
    record = {"parameters": asdict(parameters), **fitted.summary(), "categories": _categories(store, by_category)}
    described = _columns(trends.window_weeks, parameters.false_discovery_rate)
    described |= _BY_BASELINE.get(fitted.answered_by, {})
    return FittedFamily(
        write_files=lambda folder: _write_files(folder, record),
        table=table,
        columns={name: text for name, text in described.items() if name in table.column_names},
        replays=_replays(table),
    )


TRENDS: Final = Family(
    name="trends",
    kind="items",
    baseline="calling nothing; or, where that was clearly worth more, every item whose last four weeks differ by a "
    "quarter from the four before",
    gate=Gate(
        "worth",
        higher_is_better=True,
        label="worth of the calls",
        unit="items",
        at_most={"least_false_share": MAX_FALSE_SHARE},
    ),
    parameters=TrendParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    requires=(DEMAND.name,),
)


def _metrics(
    later: LaterWeeks,
    directions: np.ndarray,
    side: np.ndarray,
    evidence: np.ndarray,
    trends: Trends,
    parameters: TrendParameters,
) -> Metrics:
    """One method's metrics on the items that are tested and known later; arrays are (items,)."""
    is_tested = trends.is_tested & later.is_known
    rows = np.flatnonzero(is_tested & (directions != 0))
    return {
        "worth": _mean(_values(later, directions, trends, parameters)),
        "called": float(len(rows)),
        "called_confirmed_share": later.confirmed_share(directions, rows),
        "least_false_share": later.min_false_share(np.where(is_tested, directions, 0)),
        "surest_tenth_confirmed_share": later.confirmed_share(side, strongest(evidence, is_tested)),
    }


def _values(later: LaterWeeks, directions: np.ndarray, trends: Trends, parameters: TrendParameters) -> np.ndarray:
    return later.decision_values(directions, trends.is_tested, parameters.false_discovery_rate)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def item_table(store: WeeklyStore, trends: Trends, by_category: Trends | None) -> pa.Table:
    """One row per item; null where it is too new or has too few sales, or has no category."""
    total = trends.slope + trends.season + trends.store
    columns = {
        c.ITEM_ID: pa.array(store.item_ids, pa.string()),
        TREND: _names(trends),
        TREND_PERCENT: _rounded(percent(trends.slope)),
        TREND_LOW: _rounded(percent(trends.low)),
        TREND_HIGH: _rounded(percent(trends.high)),
        TREND_Q: _rounded(trends.q, 4),
        TREND_SEASON: pa.array(np.array(SEASON_SOURCES)[trends.season_source], pa.string(), mask=~trends.is_tested),
        UNITS_CHANGE_PERCENT: _rounded(percent(total)),
    }
    if by_category is not None:
        category = store.panel.category
        row = pa.array(category, pa.int64(), mask=category < 0)
        columns[CATEGORY_TREND] = _names(by_category).take(row)
        columns[CATEGORY_TREND_PERCENT] = _rounded(percent(by_category.slope)).take(row)
    return pa.table(columns)


def _continued(known: WeeklyStore, later: WeeklyStore, weeks: int) -> WeeklyPanel:
    """The panel of `known`, as it was known then, and the `weeks` after it; an item missing there sold nothing."""
    place = np.minimum(np.searchsorted(later.item_ids, known.item_ids), len(later.item_ids) - 1)
    is_there = (later.item_ids[place] == known.item_ids)[:, None]
    units = np.where(is_there, later.panel.units[place, -weeks:], 0.0)
    exposure = np.where(is_there, later.panel.exposure[place, -weeks:], 1.0)
    panel = known.panel
    return WeeklyPanel(np.hstack([panel.units, units]), np.hstack([panel.exposure, exposure]), panel.category)


def _weekly_store(data: TrainingData, as_of: datetime, held_out_weeks: int = 0) -> WeeklyStore:
    """Weekly sales as known at `as_of`; the message of NotEnoughData also counts the `held_out_weeks`."""
    parameters: TrendParameters = data.parameters
    data.progress("trends: reading orders")
    days = parameters.history_weeks * WEEK_DAYS
    wanted = replace(data.required[DEMAND.name], frequency="day", horizon=None, by_channel=False, history=days)
    demand = store_demand(data, wanted, as_of)
    units, exposure = weekly(demand.panel.units, demand.panel.is_observed)
    weeks, needed = units.shape[1] + held_out_weeks, MIN_WEEKS + held_out_weeks
    if weeks < needed:
        judged = f", {held_out_weeks} of them to be judged on" if held_out_weeks else ""
        raise NotEnoughData(
            f"trends need {needed} whole weeks since the first order{judged}; there are {weeks}. Ingest older orders, "
            "or wait for new ones."
        )
    return WeeklyStore(demand.item_ids, WeeklyPanel(units, exposure, demand.category), demand.categories)


def _columns(window_weeks: int, false_discovery_rate: float) -> dict[str, str]:
    share, per = f"{INTERVAL * 10:g} of 10 cases", f"per {PERCENT_WEEKS} weeks"
    return {
        TREND: (
            f"Whether the item rises or falls over the last {window_weeks} weeks, beyond what season, chance and the "
            f"whole store's movement explain: rising, falling or steady. Of the items called rising or falling at most "
            f"{false_discovery_rate:.0%} are expected to be false alarms. Empty: too new, or it sells too little to "
            "tell."
        ),
        TREND_PERCENT: f"By how many percent its sales grow (below 0: shrink) {per}, beyond season and store.",
        TREND_LOW: f"The weak case of that growth: in {share} the true one lies between this and the strong case.",
        TREND_HIGH: "The strong case of that growth.",
        TREND_Q: (
            "How sure the trend is: if every item up to this one were called a trend, this share of them would be "
            "expected to be false alarms. Small is sure."
        ),
        TREND_SEASON: (
            "Source of the seasonal adjustment. item: its own and its category's same weeks of last year; "
            "category: its category's only; none: there is no data of last year, so all that its category does "
            "now counts as season."
        ),
        UNITS_CHANGE_PERCENT: f"By how many percent its sales change {per} as they are, season and store included.",
        CATEGORY_TREND: "The same of the item's whole category: rising, falling or steady against the store.",
        CATEGORY_TREND_PERCENT: f"By how many percent the category's sales grow {per}, beyond season and store.",
    }


def _names(trends: Trends) -> pa.Array:
    names = [DIRECTIONS[int(direction)] for direction in trends.direction]
    return pa.array(names, pa.string(), mask=~trends.is_tested)


def _rounded(values: np.ndarray, decimals: int = 1) -> pa.Array:
    return pa.array(np.round(values, decimals) + 0.0, pa.float64(), mask=np.isnan(values))


def _categories(store: WeeklyStore, trends: Trends | None) -> list[dict[str, Any]]:
    if trends is None:
        return []
    columns = (_names(trends), *(_rounded(percent(slope)) for slope in (trends.slope, trends.low, trends.high)))
    keys = (TREND, TREND_PERCENT, TREND_LOW, TREND_HIGH, TREND_Q)
    values = [column.to_pylist() for column in (*columns, _rounded(trends.q, 4))]
    return [
        {c.ITEM_CATEGORY: name, **dict(zip(keys, row, strict=True))}
        for name, row in zip(store.categories, zip(*values, strict=True), strict=True)
    ]


def _write_files(folder: Path, record: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TRENDS_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _replays(table: pa.Table) -> list[Replay]:
    """The item that grows most, the one that shrinks most, and the last."""
    growth = table[TREND_PERCENT].fill_null(0.0).to_numpy()
    numbers = list(dict.fromkeys([int(growth.argmax()), int(growth.argmin()), table.num_rows - 1]))[:REPLAYS]
    rows = [table.slice(number, 1).to_pylist()[0] for number in numbers]
    return [Replay(route="item", request={c.ITEM_ID: row[c.ITEM_ID]}, expected=row) for row in rows]
