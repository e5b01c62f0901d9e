"""A statistical method gets a share where it gains significantly and in each window, on scales of the past."""

from dataclasses import replace
from functools import cache

import numpy as np

from models.demand.backtest import backtest_rows
from models.demand.classification import CLASSES
from models.demand.methods.statistical import METHODS, StatisticalEnsemble, StatisticalTrial, try_statistical
from models.demand.panel import CategoricalCovariates
from tests.models.demand.worlds import panel_of

SERIES, DAYS, HORIZON, SALE = 40, 90, 5, 4
RATE = 0.6 + 0.6 * np.arange(DAYS) / DAYS  # units a day, growing: methods that look back forecast too little
SOLD = SALE * (np.random.default_rng(0).random((SERIES, DAYS)) < RATE / SALE)
INTERMITTENT = CLASSES.index("intermittent")


PANEL = panel_of(SOLD.astype(float))
COVARIATES = CategoricalCovariates.fit(PANEL)
PAST = backtest_rows(COVARIATES.prepare(PANEL, HORIZON), seed=0)
EXPECTED = RATE[PAST.target]


@cache
def trials() -> tuple[StatisticalTrial, ...]:
    earlier = [COVARIATES.prepare(PANEL.before(int(origin)), HORIZON) for origin in np.unique(PAST.origin)]
    return tuple(try_statistical(each, PAST, window, tuple(METHODS), 1) for window, each in enumerate(earlier))


def fitted(mean: np.ndarray) -> StatisticalEnsemble:
    """Where the other methods forecast this mean of the backtest's rows."""
    return StatisticalEnsemble.fit(trials(), replace(PAST, mean=mean), METHODS)


def test_forecasts_that_are_too_low_gain_nothing_over_the_truth() -> None:
    assert fitted(EXPECTED).methods == (None,) * len(CLASSES)


def test_a_gain_in_all_windows_earns_a_share() -> None:
    found = fitted(4 * EXPECTED)
    assert found.methods[INTERMITTENT] is not None
    assert found.shares[INTERMITTENT] == 0.5


def test_a_gain_in_the_last_window_alone_does_not() -> None:
    knowing = 0.8 * EXPECTED + 0.2 * PAST.units
    assert fitted(np.where(PAST.window == 2, 4 * EXPECTED, knowing)).methods[INTERMITTENT] is None
