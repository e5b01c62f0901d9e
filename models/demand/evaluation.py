"""How good the backtest's forecasts were, for each class of demand."""

import numpy as np

from models.demand.classification import CLASSES
from models.demand.forecast import HIGH, LOW, MEDIAN, QUANTILE_LEVELS
from models.demand.metrics import coverage, pinball, wape

Metrics = dict[str, float | int | None]


def evaluate_by_class(units: np.ndarray, quantiles: np.ndarray, code: np.ndarray) -> dict[str, Metrics]:
    """Metrics by class of demand; `units` and `code` are (rows,), `quantiles` (rows, QUANTILE_LEVELS).

    A class without rows is left out.
    """
    return {
        name: _metrics(units[inside], quantiles[inside])
        for name, inside in ((name, code == number) for number, name in enumerate(CLASSES))
        if inside.any()
    }


def _metrics(units: np.ndarray, quantiles: np.ndarray) -> Metrics:
    assert quantiles.shape[1] == len(QUANTILE_LEVELS)
    return {
        "cells": len(units),
        "wape": wape(units, quantiles[:, MEDIAN]),
        "pinball": pinball(units, quantiles),
        "coverage_80": coverage(units, quantiles[:, LOW], quantiles[:, HIGH]),
        "cells_without_sale": float((units == 0).mean()),
    }
