"""The items' tables in a terminal: names, whole numbers, the total and the past before the forecast."""

import json

import pytest

from contracts import columns as c
from shopkeeper.display.items import print_days, print_forecast, print_items, shown_columns

DAYS = [{"date": "2026-01-02", "low": 0.0, "median": 1.5, "high": 4.0, "mean": None}]


def test_the_forecasts_total_is_found_by_its_prefix() -> None:
    assert shown_columns([c.ITEM_ID, "units_next_28_days", "anything"]) == [c.ITEM_ID, "units_next_28_days"]


def test_the_buying_list_says_what_an_order_needs(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        c.ITEM_ID: "P1",
        c.ITEM_NAME: "Green Tea",
        "order_quantity": 12.0,
        "stock_on_hand": 3.0,
        "lead_time_days": 7.0,
        "unit_cost": 2.5,
        "order_value": 30.0,
        c.ATTRIBUTES: json.dumps({"supplier": "Leaf & Co"}),
    }
    print_items("To order", [row], shown_columns(list(row), to_order=True), to_order=True)
    head, _, line = capsys.readouterr().out.splitlines()[1:]
    assert head.split() == ["item", "name", "order", "stock", "lead", "days", "cost", "value", "supplier"]
    assert line.split() == ["P1", "Green", "Tea", "12", "3", "7", "2.50", "30", "Leaf", "&", "Co"]


def test_an_item_without_a_name_shows_its_id_once_and_an_empty_column_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [{c.ITEM_ID: "P1", c.ITEM_NAME: "P1", "trend": None}, {c.ITEM_ID: "P2", c.ITEM_NAME: "Tea", "trend": None}]
    print_items("Items", rows, [c.ITEM_ID, c.ITEM_NAME, "trend"])
    shown = capsys.readouterr().out
    assert shown.count("P1") == 1
    assert "Tea" in shown
    assert "trend" not in shown


def test_the_total_stands_first_and_a_day_without_stock_is_no_zero(capsys: pytest.CaptureFixture[str]) -> None:
    history = [{"date": "2026-01-01", "units": None}]
    row = {c.ITEM_ID: "tea", "stock_on_hand": 2.0, "units_next_28_days": 29.97}
    row |= {"units_low_28_days": 14.1, "units_high_28_days": 54.7}
    print_forecast("Tea", row, DAYS, history)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Tea", "28 days from 2026-01-02: 30 units expected; in 8 of 10 cases 14 to 55."]
    assert lines[2] == "Stock 2."
    assert any("not in stock?" in line for line in lines[3:])
    assert not any("mean" in line for line in lines)


def test_means_are_shown_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    print_days("Tea", "", [{**DAYS[0], "mean": 1.75}])
    assert "1.75" in capsys.readouterr().out
