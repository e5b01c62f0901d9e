"""The items' tables in a terminal: whole numbers without decimals, the past before the forecast."""

import pytest

from contracts import columns as c
from shopkeeper.display.items import cell, print_days, print_forecast, print_items, shown_columns

DAYS = [{"date": "2026-01-02", "low": 0.0, "median": 1.5, "high": 4.0, "mean": None}]


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (3.25, "3.25"), (None, "–"), ("tea", "tea")])
def test_whole_numbers_have_no_decimals(value: object, text: str) -> None:
    assert cell(value) == text


def test_the_forecasts_total_is_found_by_its_prefix() -> None:
    assert shown_columns([c.ITEM_ID, "units_next_28_days", "anything"]) == [c.ITEM_ID, "units_next_28_days"]


def test_one_row_per_item(capsys: pytest.CaptureFixture[str]) -> None:
    print_items("Items", [{c.ITEM_ID: "tea", "order_quantity": 12.0}], [c.ITEM_ID, "order_quantity"])
    shown = capsys.readouterr().out
    assert "tea" in shown
    assert "12" in shown


def test_a_day_without_stock_is_no_zero(capsys: pytest.CaptureFixture[str]) -> None:
    history = [{"date": "2026-01-01", "units": None}]
    print_forecast("Tea", {c.ITEM_ID: "tea", "stock_on_hand": 2.0}, DAYS, history)
    shown = capsys.readouterr().out
    assert "not in stock?" in shown
    assert "stock 2" in shown
    assert "mean" not in shown


def test_means_are_shown_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    print_days("Tea", "", [{**DAYS[0], "mean": 1.75}])
    assert "1.75" in capsys.readouterr().out
