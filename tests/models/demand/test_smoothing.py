"""Smoothing finds planted levels and effects, and knows nothing of the future."""

import numpy as np
import pytest

from models.demand.panel import CategoricalCovariates, Panel
from models.demand.smoothing import Smoothing, smooth
from tests.models.demand.worlds import WEEKEND, panel_of

SERIES, DAYS = 6, 140
LEVEL = np.geomspace(2, 40, SERIES)
OFFER = np.tile(np.arange(DAYS + 7) % 5 == 0, (SERIES, 1)).astype(np.float32)
WEEK = WEEKEND[np.arange(DAYS) % 7]
UNITS = LEVEL[:, None] * WEEK * (1 + OFFER[:, :DAYS])
PANEL = panel_of(UNITS, future={"offer": OFFER})
EVERY = np.arange(SERIES)


def smoothed(panel: Panel = PANEL, periods: int = DAYS) -> Smoothing:
    found = Smoothing(CategoricalCovariates.fit(panel).prepare(panel, 7))
    for period in range(periods):
        found.update(period)
    return found


def test_it_separates_level_week_and_covariate() -> None:
    state = smoothed()
    level = state.level(state.levels(EVERY), state.demand_size(EVERY))
    for target in range(DAYS, DAYS + 7):
        effect = state.effects(EVERY, np.full(SERIES, target))[1]
        truth = LEVEL * WEEKEND[target % 7] * (1 + OFFER[0, target])
        np.testing.assert_allclose(level * effect, truth, rtol=0.2)  # effects are shrunk


def test_the_level_follows_a_change_and_the_short_window_first() -> None:
    units = np.full((2, DAYS), 10.0)
    units[1, -10:] = 20
    levels = smoothed(panel_of(units)).levels(np.arange(2))
    np.testing.assert_allclose(levels[:, 0], 10, rtol=0.02)
    assert levels[0, 1] > levels[2, 1] > levels[-1, 1] > 10


def test_a_new_series_starts_at_the_level_of_its_group() -> None:
    units, observed = np.full((4, DAYS), 10.0), np.ones((4, DAYS), dtype=bool)
    units[2:] = 40
    units[3], observed[3] = 0, False
    state = smoothed(panel_of(units, observed, groups={"category": np.array([0, 0, 1, 1])}))
    assert state.cold_start_level(np.array([3]))[0] == pytest.approx(40, rel=0.15)
    assert state.levels(np.array([3]))[:, 0] == pytest.approx(40, rel=0.15)


def new_series_level(levels: np.ndarray, first: float) -> float:
    """The level of a series with one point, beside series of these levels."""
    units = np.random.default_rng(0).poisson(np.append(levels, 0)[:, None], (len(levels) + 1, DAYS)).astype(float)
    observed = np.ones(units.shape, dtype=bool)
    observed[-1, :-1], units[-1, :-1], units[-1, -1] = False, 0, first
    state, last = smoothed(panel_of(units, observed)), np.array([len(levels)])
    return float(state.level(state.levels(last), state.demand_size(last))[0])


def test_a_short_series_keeps_its_own_level_where_series_differ_and_borrows_where_they_are_alike() -> None:
    assert new_series_level(np.geomspace(1, 1000, 40), first=2) == pytest.approx(2, abs=1)
    assert new_series_level(np.full(40, 20.0), first=40) < 37


def test_an_outlier_is_capped() -> None:
    units = UNITS.copy()
    units[0, -1] *= 1000
    odd, usual = smoothed(panel_of(units, future={"offer": OFFER})), smoothed()
    assert odd.levels(EVERY)[-1, 0] < 1.5 * usual.levels(EVERY)[-1, 0]


def test_a_row_knows_what_came_before_its_origin_only() -> None:
    changed = UNITS.copy()
    changed[:, 100:] *= 3
    covariates = CategoricalCovariates.fit(PANEL)
    first, second = (
        smooth(covariates.prepare(panel_of(units, future={"offer": OFFER}), 7), EVERY, EVERY * 0 + 100, EVERY * 0 + 103)
        for units in (UNITS, changed)
    )
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.relative[:, :100], second.relative[:, :100])
    assert not np.array_equal(first.relative[:, 100:], second.relative[:, 100:])  # the control


def test_features_have_names() -> None:
    found = smooth(CategoricalCovariates.fit(PANEL).prepare(PANEL, 7), EVERY, EVERY * 0 + 100, EVERY * 0 + 100)
    assert found.features.shape == (SERIES, len(found.names))
    np.testing.assert_array_equal(found.features[:, found.names.index("since_sale")], 0)
