"""Forecasts and what sold before, read from a bundle of today and from one of before there was a history."""

from datetime import date

import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import BundleRefused
from serving.answers.forecasts.items import Forecasts
from tests.serving.shop import forecast_table, history_table


def test_days_with_their_mean_and_the_past_beside_them() -> None:
    forecasts = Forecasts(forecast_table(), history_table())
    assert forecasts.days("tea-0")[0] == {"date": date(2025, 6, 1), "low": 0, "median": 1, "high": 2, "mean": 1.5}
    assert forecasts.history("tea-0") == [
        {"date": date(2025, 5, 29), "units": 7},
        {"date": date(2025, 5, 30), "units": 7},
        {"date": date(2025, 5, 31), "units": None},
    ]
    assert forecasts.days("nothing") == forecasts.history("nothing") == []


def test_a_bundle_of_before_has_neither_means_nor_a_history() -> None:
    forecasts = Forecasts(forecast_table().drop_columns([c.UNITS_MEAN]))
    assert forecasts.days("tea-0")[0]["mean"] is None
    assert forecasts.history("tea-0") == []


@pytest.mark.parametrize(
    ("table", "history", "message"),
    [
        (forecast_table().drop_columns([c.UNITS_HIGH]), None, r"the forecast lacks the columns \['units_high'\]"),
        (forecast_table(), history_table().drop_columns([c.UNITS]), r"the history lacks the columns \['units'\]"),
    ],
)
def test_a_table_that_lacks_a_column_is_refused(table: pa.Table, history: pa.Table | None, message: str) -> None:
    with pytest.raises(BundleRefused, match=message):
        Forecasts(table, history)
