"""Baselines without a model repeat what sold on days like those to come."""

from pathlib import Path

import numpy as np

from benchmarks.demand.data import LEVELS, Origin, read_folder
from benchmarks.demand.plain import last_like_days, own_recent, zero
from tests.benchmarks.demand.folders import weekly_rows, write_folder


def last_origin(folder: Path) -> Origin:
    *_, last = read_folder(write_folder(folder, weekly_rows(days=200))).origins()
    return last


def test_like_days_have_the_same_weekday_and_the_same_promotion(tmp_path: Path) -> None:
    origin = last_origin(tmp_path)
    found = last_like_days(origin, 7, 1)
    # Without noise, a day like it sold exactly as much.
    np.testing.assert_allclose(found.mean, origin.actual, rtol=1e-6)
    np.testing.assert_allclose(found.median, origin.actual, rtol=1e-6)


def test_recent_quantiles_are_the_same_on_every_day(tmp_path: Path) -> None:
    origin = last_origin(tmp_path)
    found = own_recent(origin, 7, 1)
    assert (found.mean == found.mean[:, :1]).all()
    np.testing.assert_allclose(found.mean[:, 0], origin.past.units[:, -56:].mean(axis=1), rtol=1e-6)
    held = origin.past.units[:, -56:] <= found.quantiles[:, :1, LEVELS.index(0.9)]
    assert (held.mean(axis=1) >= 0.9).all()


def test_zero_sells_nothing(tmp_path: Path) -> None:
    found = zero(last_origin(tmp_path), 7, 1)
    assert not found.mean.any()
    assert not found.quantiles.any()
