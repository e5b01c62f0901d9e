"""`shopkeeper customers | forecast`: the published answers, without the service."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE, FORECAST_FILE, ITEMS_TABLE, Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NoBundle
from contracts.settings import load_settings
from shopkeeper.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from serving.tables import ServedTable

# What fits a terminal; --columns, --csv and --json show everything.
SHOWN_COLUMNS = ("customer_id", "churn_risk", "churn_band", "orders", "last_order_at", "churn_reason_1")


def customers(
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="column:operator:value, repeatable; for example churn_band:eq:high"),
    ] = None,
    sort: Annotated[str, typer.Option(help="Columns, separated by commas; '-' in front: descending.")] = "-churn_risk",
    columns: Annotated[str | None, typer.Option(help="Columns to show, separated by commas.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows. Default: 20, or all with --csv.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output, safe for a spreadsheet.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the customers of the published bundle: the churn list.

    Example: [bold]shopkeeper customers --where churn_band:eq:high --where orders:ge:3 --csv > churn.csv[/]
    """
    from serving.conditions import parse_condition
    from serving.tables import ServedTable

    bundle = _current_bundle()
    table = ServedTable(bundle.table(CUSTOMERS_TABLE), c.CUSTOMER_ID)
    conditions = tuple(parse_condition(text, table.schema) for text in where or ())
    positions = table.positions(conditions, tuple(name.strip() for name in sort.split(",") if name.strip()))
    chosen = table.checked([name.strip() for name in columns.split(",")]) if columns else table.columns
    if as_csv:
        asyncio.run(_write_csv(table, positions[:limit], chosen))
        return
    cells = table.cells(positions[: limit or 20], chosen)
    rows = [dict(zip(cells, values, strict=True)) for values in zip(*cells.values(), strict=True)]
    if as_json:
        print_json({"bundle_version": bundle.version, "total": len(positions), "rows": rows})
        return
    shown = chosen if columns else [name for name in SHOWN_COLUMNS if name in chosen]
    _print_rows(f"{len(positions):,} customers, bundle {bundle.version}", rows, shown)


def forecast(
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    as_json: JsonOption = False,
) -> None:
    """Show an item's demand forecast, day by day, with the band in which 8 of 10 days should fall.

    Example: [bold]shopkeeper forecast sku-42[/]
    """
    from serving.forecasts import Forecasts
    from serving.tables import ServedTable

    bundle = _current_bundle()
    if not bundle.has(FORECAST_FILE):
        raise NoBundle(f"bundle {bundle.version} has no forecast. `shopkeeper train demand` says what it needs.")
    days = Forecasts(bundle.table(FORECAST_FILE)).days(item)
    row = ServedTable(bundle.table(ITEMS_TABLE), c.ITEM_ID).row(item)
    if not days or row is None:
        known = "it has not sold lately" if row else "no event has named it"
        raise InputError(f"there is no forecast for item {item!r}: {known}.")
    if as_json:
        print_json({"bundle_version": bundle.version, "item": row, "days": days})
        return
    _print_rows(f"{row[c.ITEM_NAME] or item}, bundle {bundle.version}", days, ["date", "low", "median", "high"])


def _current_bundle() -> Bundle:
    store = open_bundle_store(load_settings().bundles_url)
    return store.open(store.current())


async def _write_csv(table: "ServedTable", positions: Any, columns: list[str]) -> None:
    from serving.csv_export import stream_csv

    async for block in stream_csv(table, positions, columns):
        sys.stdout.buffer.write(block)


def _print_rows(title: str, rows: list[dict[str, Any]], columns: list[str]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
