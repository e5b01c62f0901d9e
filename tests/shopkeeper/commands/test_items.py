"""`shopkeeper items` and `shopkeeper forecast`: the buying list, the alerts, and one item with its past."""

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from contracts.bundle import FORECAST_FILE, ITEMS_TABLE
from contracts.errors import InputError, NoBundle
from shopkeeper.commands import forecast
from shopkeeper.commands.items import items
from tests.bare_bundles import publish_tables

IDS = ["cup", "jam", "pot", "tea", "tin"]
PLAIN = {"item_id": IDS, "item_name": ["Cup", "Jam", None, "Tea", "[red]Tin\x1b[2J"], "stock": [0.0, 3, 90, 5, None]}
INVENTORY = {
    "inventory_alert": ["out_of_stock", "low_stock", "overstock", None, None],
    "order_quantity": [24.0, 12.0, 0.0, 6.0, None],
    "stockout_probability": [1.0, 0.2, 0.0, 0.05, None],
    "stockout_date": pa.array([date(2025, 6, 1), date(2025, 6, 9), None, None, None], pa.date32()),
}
TRENDS = {"trend": ["rising", "falling", "steady", None, None], "trend_percent": [31.5, -20.0, 1.0, None, None]}
FIRST = date(2025, 6, 1)


def forecast_tables() -> dict[str, pa.Table]:
    days = [FIRST + timedelta(days=day) for day in range(3)]
    forecast = {"item_id": ["tea"] * 3, "date": pa.array(days, pa.date32()), "units_mean": [4.25, 4.5, 4.75]}
    forecast |= {"units_low": [1.0] * 3, "units_median": [4.0] * 3, "units_high": [9.0] * 3}
    past = [FIRST - timedelta(days=ago) for ago in (2, 1)]
    history = {"item_id": ["tea"] * 2, "date": pa.array(past, pa.date32()), "units": [7.0, 0.0]}
    return {
        FORECAST_FILE: pa.table(forecast),
        "demand/history.arrow": pa.table(history | {"is_known": [True, False]}),
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table({**PLAIN, **INVENTORY, **TRENDS}), **forecast_tables()})
    return tmp_path


def run(home: Path, *arguments: str, width: int = 250) -> Result:
    app = typer.Typer()
    app.command()(items)
    app.command()(forecast.forecast)
    environment = {"SHOPKEEPER_HOME": str(home), "COLUMNS": str(width)}
    result = CliRunner().invoke(app, list(arguments), env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def ids(result: Result) -> list[str]:
    return [row["item_id"] for row in csv.DictReader(io.StringIO(result.stdout, newline=""))]


def rows(result: Result) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_what_may_run_out_comes_first(home: Path) -> None:
    assert ids(run(home, "items", "--csv")) == ["cup", "jam", "tea", "pot", "tin"]
    assert ids(run(home, "items", "--csv", "--sort", "item_id", "--limit", "2")) == ["cup", "jam"]


def test_alerts_and_the_buying_list(home: Path) -> None:
    assert ids(run(home, "items", "--alerts", "--csv")) == ["cup", "jam", "pot"]
    assert ids(run(home, "items", "--to-order", "--csv")) == ["cup", "jam", "tea"]
    assert ids(run(home, "items", "--alerts", "--to-order", "--where", "trend:eq:rising", "--csv")) == ["cup"]


def test_a_forecast_of_no_item_is_the_buying_list(home: Path) -> None:
    shown = run(home, "forecast").stdout
    assert "3 items to order today, bundle v1" in shown
    assert "out of stock" in shown
    assert [row["item_id"] for row in rows(run(home, "forecast", "--json"))["rows"]] == ["cup", "jam", "tea"]


def test_the_buying_list_says_how_many_items_have_no_known_stock(tmp_path: Path) -> None:
    stock = {"stock_on_hand": pa.array([None, 3.0, None, None, 1.0], pa.float64())}
    level = {"order_up_to": pa.array([5.0, 5.0, 5.0, None, 5.0], pa.float64())}
    quantity = {"order_quantity": pa.array([None] * 5, pa.float64())}
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table({**PLAIN, **stock, **level, **quantity})})
    shown = " ".join(run(tmp_path, "items", "--to-order").stdout.split())
    assert "0 items to order today" in shown
    assert "The stock of 2 items is unknown" in shown  # pot and cup; tea is not forecast
    assert "unknown" not in run(tmp_path, "items").stdout


def test_the_table_shows_what_a_shopkeeper_looks_at_first(home: Path) -> None:
    shown = run(home, "items").stdout
    assert all(title in shown for title in ("alert", "order", "empty on", "risk", "trend", "% / 4 weeks"))
    assert "2025-06-09" in shown
    assert "24" in shown
    narrow = run(home, "items", width=80).stdout
    assert "Cup" in narrow
    assert "…" not in narrow
    assert all(len(line) <= 80 for line in narrow.splitlines())


def test_what_comes_from_outside_does_not_steer_the_terminal(home: Path) -> None:
    shown = run(home, "items").stdout
    assert "\x1b" not in shown
    assert "[red]Tin�[2J" in shown


def test_json_csv_and_parquet_hold_what_was_asked_for(home: Path, tmp_path: Path) -> None:
    answer = rows(
        run(home, "items", "--where", "order_quantity:ge:12", "--columns", "item_id,order_quantity", "--json")
    )
    assert answer == {
        "bundle_version": "v1",
        "total": 2,
        "rows": [{"item_id": "cup", "order_quantity": 24.0}, {"item_id": "jam", "order_quantity": 12.0}],
    }
    path = tmp_path / "items.parquet"
    run(home, "items", "--format", "parquet", "--output", str(path))
    assert pq.read_table(path)["item_id"].to_pylist() == ["cup", "jam", "tea", "pot", "tin"]
    with pytest.raises(InputError, match="--output needs a --format"):
        run(home, "items", "--output", str(path))
    with pytest.raises(InputError, match="no column 'age'"):
        run(home, "items", "--columns", "age")


def test_a_bundle_without_inventory_lists_items_and_says_what_a_buying_list_needs(tmp_path: Path) -> None:
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table(PLAIN)})
    assert ids(run(tmp_path, "items", "--csv")) == IDS
    assert "5 items" in run(tmp_path, "items").stdout
    for arguments in (["forecast"], ["items", "--alerts"]):
        with pytest.raises(NoBundle, match="shopkeeper train inventory"):
            run(tmp_path, *arguments)


def test_one_items_forecast_stands_below_what_it_sold(home: Path) -> None:
    shown = run(home, "forecast", "tea").stdout
    assert "Tea (tea), bundle v1" in shown
    assert "3 days from 2025-06-01: 14 units expected" in shown
    lines = [line for line in shown.splitlines() if line.startswith("2025-")]
    assert [line.split()[0] for line in lines] == [str(FIRST + timedelta(days=day)) for day in range(-2, 3)]
    assert "not in stock?" in lines[1]
    assert "4.25" in lines[2]
    assert "Order 6." in shown
    answer = rows(run(home, "forecast", "tea", "--json"))
    assert [day["units"] for day in answer["history"]] == [7.0, None]
    assert answer["days"][0]["mean"] == 4.25


def test_an_item_without_a_forecast_says_why(home: Path) -> None:
    with pytest.raises(InputError, match="it has not sold lately"):
        run(home, "forecast", "cup")
    with pytest.raises(InputError, match="no event has named it"):
        run(home, "forecast", "nothing")
