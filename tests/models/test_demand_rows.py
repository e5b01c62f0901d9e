"""What the rows know: golden values, against plain loops, and nothing of the future."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.demand_past import ItemsPast, StorePast, last_same_weekday
from models.demand_rows import FEATURES, Rows, forecast_rows, training_rows
from tests.models.demand_worlds import history_of, rates, sales

UNITS = sales(rates(6, 450) / 10, seed=3)
HISTORY = history_of(UNITS)
ITEM, ORIGIN, STEP = np.array([0, 3, 5]), np.array([100, 420, 33]), np.array([1, 9, 28])


def feature(rows: Rows, name: str) -> np.ndarray:
    return rows.features[:, FEATURES.index(name)]


def test_running_sums_equal_plain_loops() -> None:
    past = ItemsPast(HISTORY, slice(0, 6))
    for days in (7, 91, 364):
        plain = [
            UNITS[i, max(o - days, 0) : o].sum() / min(days, max(o - np.flatnonzero(UNITS[i])[0], 1))
            for i, o in zip(ITEM, ORIGIN, strict=True)
        ]
        np.testing.assert_allclose(past.mean(ITEM, ORIGIN, days), plain, rtol=1e-6)
    sold = [UNITS[i, max(o - 364, 0) : o] for i, o in zip(ITEM, ORIGIN, strict=True)]
    sold = [values[values > 0] for values in sold]
    np.testing.assert_allclose(past.sale(ITEM, ORIGIN), [values.mean() for values in sold], rtol=1e-6)
    np.testing.assert_allclose(past.sale_cv2(ITEM, ORIGIN), [v.var() / v.mean() ** 2 for v in sold], rtol=1e-5)
    since = [o - 1 - np.flatnonzero(UNITS[i, :o])[-1] for i, o in zip(ITEM, ORIGIN, strict=True)]
    np.testing.assert_array_equal(past.days_since_sale(ITEM, ORIGIN), since)


def test_the_same_weekday_is_the_last_one_known() -> None:
    np.testing.assert_array_equal(last_same_weekday(ORIGIN, STEP), [93, 414, 32])
    past = ItemsPast(HISTORY, slice(0, 6))
    plain = [np.mean([UNITS[i, d - 7 * w] for w in range(4)]) for i, d in ((0, 93), (3, 414), (5, 32))]
    np.testing.assert_allclose(past.same_weekday(ITEM, ORIGIN, STEP, 4), plain, rtol=1e-6)


def test_last_year_is_the_mean_around_the_day_and_unknown_before_a_year() -> None:
    values = ItemsPast(HISTORY, slice(0, 6)).last_year(ITEM, ORIGIN, STEP)
    middle = 420 + 9 - 1 - 364
    assert np.isnan(values[0])
    assert values[1] == pytest.approx(UNITS[3, middle - 7 : middle + 8].mean())


def test_the_store_counts_selling_items() -> None:
    store = StorePast(HISTORY)
    selling = (UNITS > 0).sum(axis=0)
    _, week, _, _ = store.trends(ORIGIN, STEP)
    assert week[0] == pytest.approx(selling[93:100].mean() / selling[72:100].mean())
    trend = store.category_trend(np.zeros(3, dtype=np.int64), ORIGIN)
    assert trend[1] == pytest.approx(selling[392:420].mean() / selling[329:420].mean())


def test_the_calendar() -> None:
    (rows,) = forecast_rows(history_of(UNITS[:, :15]), horizon_days=7)
    np.testing.assert_array_equal(feature(rows, "weekday")[:7], [1, 2, 3, 4, 5, 6, 0])  # day 0 is a Monday
    np.testing.assert_array_equal(feature(rows, "step")[:8], [1, 2, 3, 4, 5, 6, 7, 1])
    assert not feature(rows, "year_sin").any()  # less than a year says nothing of the yearly position
    (rows,) = forecast_rows(HISTORY, horizon_days=7)
    assert feature(rows, "year_cos").any()


def test_a_sample_is_about_as_large_as_asked_and_the_same_every_time() -> None:
    (all_rows,) = training_rows(HISTORY, 28, 364, max_rows=10**9, seed=1)
    (some,) = training_rows(HISTORY, 28, 364, max_rows=500, seed=1)
    (again,) = training_rows(HISTORY, 28, 364, max_rows=500, seed=1)
    assert len(all_rows.item) == 6 * 364
    assert len(some.item) == pytest.approx(500, rel=0.2)
    np.testing.assert_array_equal(some.features, again.features)
    assert len(np.unique(feature(all_rows, "step"))) == 28
    assert all_rows.target_day.max() < HISTORY.days


def test_ten_times_the_units_are_the_same_pattern() -> None:
    (rows,) = training_rows(HISTORY, 28, 364, 500, seed=1)
    (larger,) = training_rows(history_of(UNITS * 10), 28, 364, 500, seed=1)
    np.testing.assert_allclose(larger.features, rows.features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(larger.level, rows.level * 10, rtol=1e-5)


@given(origin=st.integers(8, 449), step=st.integers(1, 28), seed=st.integers(0, 99))
def test_features_see_nothing_at_or_after_their_origin(origin: int, step: int, seed: int) -> None:
    changed = UNITS.copy()
    changed[:, origin:] = np.random.default_rng(seed).poisson(50, changed[:, origin:].shape)
    item, at, ahead = np.arange(6), np.full(6, origin), np.full(6, step)
    for history in (HISTORY, history_of(changed)):
        past, store = ItemsPast(history, slice(0, 6)), StorePast(history)
        known = [
            past.level(item, at),
            past.same_weekday(item, at, ahead, 4),
            past.last_year(item, at, ahead),
            past.sale_cv2(item, at),
            past.days_since_sale(item, at),
            *store.trends(at, ahead),
        ]
        if history is HISTORY:
            first = known
    for one, other in zip(first, known, strict=True):
        np.testing.assert_array_equal(one, other)
