"""Every method's forecast of the same rows, beside one another: trees, plain windows, regressions."""

from typing import Final

import numpy as np

from models.demand.features.rows import Rows
from models.demand.methods.boosting import Boosting
from models.demand.methods.regression import regression_forecasts
from models.demand.prepared_panel import Cells

WINDOWS: Final = ("windows", "short_window", "long_window")


def window_forecasts(rows: Rows) -> dict[str, np.ndarray]:
    """The series' level over short, long and mixed windows, times the effects that are known of the target."""
    column = {name: place for place, name in enumerate(rows.names)}
    levels = [name for name in rows.names if name.startswith("level_")]
    short, long = rows.features[:, column[levels[1]]], rows.features[:, column[levels[-1]]]
    return dict(zip(WINDOWS, (rows.base, rows.base * short, rows.base * long), strict=True))


def row_forecasts(cells: Cells, rows: Rows, boosting: Boosting) -> dict[str, np.ndarray]:
    """Units of each row by method."""
    trees = {name: boosting.predict(rows, name) for name in boosting.boosters}
    return trees | window_forecasts(rows) | regression_forecasts(cells, rows)
