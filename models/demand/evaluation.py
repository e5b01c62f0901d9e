"""What the backtest says: which methods to believe, how far demand lies off them, and how good that was by class."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.demand.backtest import BacktestRows
from models.demand.classification import CLASSES
from models.demand.ensemble import Routing, fit_routing
from models.demand.features.rows import Rows
from models.demand.forecast import HIGH, LEVELS, LOW, MEDIAN
from models.demand.intervals.conformal import Calibration, calibrate
from models.demand.intervals.cumulative_demand import Totals, fit_totals
from models.demand.intervals.quantile_forest import Spread, fit_spread
from models.demand.intervals.spread_features import spread_features
from models.demand.metrics import coverage, pinball, rmsse_scale, wape
from models.demand.prepared_panel import Cells

Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Judged:
    """What was learnt from the backtest; `past` holds its rows with what was expected, `figures` its metrics by class.

    The figures are of quantiles that the rows' own window did not shape, their stretch and weights apart.
    """

    routing: Routing
    spread: Spread
    calibration: Calibration
    totals: Totals
    past: BacktestRows
    figures: Mapping[str, Figures]


def judge(
    cells: Cells, rows: Rows, past: BacktestRows, candidates: Mapping[str, np.ndarray], seed: int, threads: int
) -> Judged:
    """`candidates` are every method's forecast of the backtest's `rows`, by models that saw only what came before."""
    scale = rmsse_scale(cells.panel.units)[past.series]
    scale = np.where(np.isfinite(scale), scale, np.square(rows.sale))
    routing = fit_routing(candidates, past.units, scale, past.code, past.series)
    mean, median = routing.blend(candidates, past.code)
    told = spread_features(rows, mean, median, candidates)
    every = np.column_stack([told, rows.features])
    spread, quantiles, zero = fit_spread(every, mean, past.units, past.window, seed, threads)
    calibration = calibrate(quantiles, median, zero, past.units, past.code)
    totals = fit_totals(past, mean, rows.sale, told, cells.horizon, seed, threads)
    corrected = calibration.apply(quantiles, median, zero, rows.sale, past.code)
    figures = {
        name: _figures(past.units[inside], corrected[inside])
        for name, inside in ((name, past.code == number) for number, name in enumerate(CLASSES))
        if inside.any()
    }
    return Judged(routing, spread, calibration, totals, replace(past, mean=mean), figures)


def _figures(units: np.ndarray, quantiles: np.ndarray) -> Figures:
    assert quantiles.shape[1] == len(LEVELS)
    return {
        "cells": len(units),
        "wape": wape(units, quantiles[:, MEDIAN]),
        "pinball": pinball(units, quantiles),
        "coverage_80": coverage(units, quantiles[:, LOW], quantiles[:, HIGH]),
        "cells_without_sale": float((units == 0).mean()),
    }
