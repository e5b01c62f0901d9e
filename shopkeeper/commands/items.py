"""`shopkeeper items`: what to order, what runs out, what there is too much of, what rises; without the service."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from contracts import columns as c
from contracts.bundle import ITEMS_TABLE, Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NoBundle
from contracts.settings import load_settings
from shopkeeper.display.console import JsonOption, console
from shopkeeper.display.files import write_blocks
from shopkeeper.display.items import ALERT, ORDER_QUANTITY, print_items, shown_columns

if TYPE_CHECKING:
    from serving.answers.tables.table import Found, ServedTable

SCREEN_ROWS: Final = 20


class ItemForm(StrEnum):
    """How the list is given."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="column:operator:value, repeatable; for example inventory_alert:eq:overstock"),
]
Sort = Annotated[
    str | None,
    typer.Option(help="Columns, separated by commas; '-' in front: descending. Default: what may run out first."),
]
Columns = Annotated[str | None, typer.Option(help="Columns to show, separated by commas.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help=f"Rows. Default: {SCREEN_ROWS} for table and json, otherwise all.")
]
FormOption = Annotated[ItemForm, typer.Option("--format", help="How the list is given.")]
Output = Annotated[
    Path | None, typer.Option(help="File to write; it is replaced when the list is complete.", dir_okay=False)
]
Alerts = Annotated[bool, typer.Option("--alerts", help="Only items that need a look.")]
ToOrder = Annotated[bool, typer.Option("--to-order", help="The buying list: only items to order today.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Short for --format csv.")]


def items(
    where: Where = None,
    sort: Sort = None,
    columns: Columns = None,
    limit: Limit = None,
    form: FormOption = ItemForm.table,
    output: Output = None,
    alerts: Alerts = False,
    to_order: ToOrder = False,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the items of the published bundle: what to order today, what will run out, what rises and falls.

    Examples:

    [bold]shopkeeper items --to-order[/]

    [bold]shopkeeper items --alerts --format csv > alerts.csv[/]

    [bold]shopkeeper items --where trend:eq:rising --sort=-trend_percent[/]
    """
    from serving.answers.tables.filters import parse_condition
    from serving.answers.tables.table import ServedTable
    from serving.routes.listing import default_sort

    store = open_bundle_store(load_settings().bundles_url)
    bundle = store.open(store.current())
    table = ServedTable(bundle.table(ITEMS_TABLE), c.ITEM_ID, bundle.path / ITEMS_TABLE)
    asked = [*(where or ()), *_own_conditions(bundle, table, alerts, to_order)]
    conditions = tuple(parse_condition(text, table.schema) for text in asked)
    order = tuple(_names(sort)) if sort is not None else default_sort("items", table)
    form = ItemForm.json if as_json else ItemForm.csv if as_csv else form
    shown = table.checked(list(dict.fromkeys(_names(columns))))
    limit = limit or (SCREEN_ROWS if form in (ItemForm.table, ItemForm.json) else None)
    found = table.found(conditions, order, limit)
    if form == ItemForm.table:
        if output is not None:
            raise InputError("--output needs a --format other than table; csv, for example.")
        _print(bundle, table, found, shown or shown_columns(table.columns))
    else:
        write_blocks(_blocks(form, bundle, table, found, shown or table.columns), output, form != ItemForm.parquet)


def _own_conditions(bundle: Bundle, table: "ServedTable", alerts: bool, to_order: bool) -> list[str]:
    wanted = {ALERT: (alerts, f"{ALERT}:null:false"), ORDER_QUANTITY: (to_order, f"{ORDER_QUANTITY}:gt:0")}
    missing = [name for name, (is_wanted, _) in wanted.items() if is_wanted and name not in table.columns]
    if missing:
        raise NoBundle(
            f"bundle {bundle.version} does not say what to order. `shopkeeper train inventory` says what it needs; "
            "`shopkeeper forecast ITEM` shows one item's forecast."
        )
    return [condition for is_wanted, condition in wanted.values() if is_wanted]


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _rows(table: "ServedTable", found: "Found", columns: list[str]) -> list[dict[str, Any]]:
    cells = table.cells(found.positions, columns)
    return [dict(zip(cells, values, strict=True)) for values in zip(*cells.values(), strict=True)]


def _blocks(form: ItemForm, bundle: Bundle, table: "ServedTable", found: "Found", columns: list[str]) -> Any:
    from serving.answers.exports.csv import csv_blocks
    from serving.answers.exports.parquet import parquet_blocks

    if form == ItemForm.json:
        body = {"bundle_version": bundle.version, "total": found.total, "rows": _rows(table, found, columns)}
        return [(json.dumps(body, indent=2, default=str) + "\n").encode()]
    blocks = csv_blocks if form == ItemForm.csv else parquet_blocks
    return blocks(table, found.positions, columns)


def _print(bundle: Bundle, table: "ServedTable", found: "Found", columns: list[str]) -> None:
    print_items(f"{found.total:,} items, bundle {bundle.version}", _rows(table, found, columns), columns)
    if found.total > len(found.positions):
        console.print(f"The first {len(found.positions)} are shown; --limit, or --format csv for all.", highlight=False)
