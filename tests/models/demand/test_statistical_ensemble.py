"""When a library's method gets a share: where it gains surely, in each window, by a scale told before anything came."""

from dataclasses import replace

import numpy as np

from models.demand.backtest import backtest_rows
from models.demand.classification import CLASSES
from models.demand.states import States
from models.demand.statistical_ensemble import Complement, fit_complement
from tests.models.demand.worlds import panel_of

SERIES, DAYS, HORIZON, SALE = 40, 90, 5, 4
RATE = 0.6 + 0.6 * np.arange(DAYS) / DAYS  # units a day, ever more: what looks back forecasts too little
SOLD = SALE * (np.random.default_rng(0).random((SERIES, DAYS)) < RATE / SALE)
INTERMITTENT = CLASSES.index("intermittent")


PANEL = panel_of(SOLD.astype(float))
STATES = States.of(PANEL)
PAST = backtest_rows(STATES.cells(PANEL, HORIZON), seed=0)
EXPECTED = RATE[PAST.target]


def learnt(mean: np.ndarray) -> Complement:
    """Where that is what the others expected of the backtest's rows."""
    earlier = [STATES.cells(PANEL.before(int(origin)), HORIZON) for origin in np.unique(PAST.origin)]
    return fit_complement(earlier, replace(PAST, mean=mean), threads=1)


def test_what_forecasts_too_little_gains_nothing_over_the_truth() -> None:
    assert learnt(EXPECTED).methods == (None,) * len(CLASSES)


def test_a_gain_in_all_windows_earns_a_share() -> None:
    found = learnt(4 * EXPECTED)
    assert found.methods[INTERMITTENT] is not None
    assert found.shares[INTERMITTENT] == 0.5


def test_a_gain_in_the_last_window_alone_does_not() -> None:
    knowing = 0.8 * EXPECTED + 0.2 * PAST.units
    assert learnt(np.where(PAST.window == 2, 4 * EXPECTED, knowing)).methods[INTERMITTENT] is None
