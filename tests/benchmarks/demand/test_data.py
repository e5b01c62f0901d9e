from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.demand.data import read_folder
from contracts.errors import InputError
from models.demand.panel import CLASSES
from tests.benchmarks.demand.folders import DAYS, HORIZON, weekly_rows, write_folder


def test_the_last_three_horizons_are_forecast_from_what_came_before_each(tmp_path: Path) -> None:
    rows = weekly_rows()
    origins = list(read_folder(write_folder(tmp_path, rows)).origins())
    wide = rows.pivot(index="series_id", columns="date", values="units").to_numpy()
    assert [origin.past.periods for origin in origins] == [DAYS - 3 * HORIZON, DAYS - 2 * HORIZON, DAYS - HORIZON]
    for origin in origins:
        start = origin.past.periods
        assert np.array_equal(origin.past.units, wide[:, :start])
        assert np.array_equal(origin.actual, wide[:, start : start + HORIZON])
        assert origin.past.future["promo"].shape == (4, DAYS)


def test_rows_that_do_not_count_are_not_scored(tmp_path: Path) -> None:
    data = read_folder(write_folder(tmp_path, weekly_rows(), score_only_where="open == 1"))
    assert set(data.read.panel.future) == {"promo"}
    for origin in data.origins():
        day = origin.past.periods + np.arange(HORIZON)
        assert np.array_equal(origin.is_scored, np.tile(day % 7 != 6, (4, 1)))
    every = read_folder(write_folder(tmp_path, weekly_rows()))
    assert all(origin.is_scored.all() for origin in every.origins())


def test_a_series_without_a_past_is_not_asked_for(tmp_path: Path) -> None:
    rows = weekly_rows()
    late = rows["series_id"].eq("s1") & (rows["date"] < rows["date"].min() + pd.Timedelta(days=DAYS - HORIZON - 2))
    assert [origin.past.series for origin in read_folder(write_folder(tmp_path, rows[~late])).origins()] == [3, 3, 4]


def test_samples_are_nested_and_know_what_belongs_to_them(tmp_path: Path) -> None:
    data = read_folder(write_folder(tmp_path, weekly_rows(12), score_only_where="open == 1"))
    few, more = data.sampled(3), data.sampled(7)
    assert set(few.read.series_ids) < set(more.read.series_ids)
    places = [data.read.series_ids.tolist().index(name) for name in few.read.series_ids]
    assert np.array_equal(few.read.panel.units, data.read.panel.units[places])
    assert data.sampled(99) is data
    with pytest.raises(InputError, match="--series is 0"):
        data.sampled(0)


def test_a_past_that_is_too_short_is_refused(tmp_path: Path) -> None:
    data = read_folder(write_folder(tmp_path, weekly_rows(days=27)))
    with pytest.raises(InputError, match="27 days; 3 horizons of 7 need 28 or more"):
        next(data.origins())
    assert next(read_folder(tmp_path, horizon=6).origins()).horizon == 6


def test_a_period_that_does_not_count_does_not_make_demand_intermittent(tmp_path: Path) -> None:
    rows = weekly_rows()
    rows["open"] = (rows["date"].dt.dayofweek < 3).astype(int)
    rows["units"] *= rows["open"]
    counted = next(read_folder(write_folder(tmp_path, rows, score_only_where="open == 1")).origins())
    assert [CLASSES[code] for code in counted.demand_class] == ["smooth"] * 4
    every = next(read_folder(write_folder(tmp_path, rows)).origins())
    assert [CLASSES[code] for code in every.demand_class] == ["intermittent"] * 4
