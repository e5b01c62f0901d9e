"""`shopkeeper items`: what to order, what runs out, what there is too much of, what rises; without the service."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from contracts import columns as c
from contracts.errors import NoBundle
from contracts.settings import load_settings
from shopkeeper.display import lists
from shopkeeper.display.console import JsonOption, print_paragraph
from shopkeeper.display.items import ALERT, ORDER_QUANTITY, ORDER_UP_TO, STOCK, print_items, shown_columns
from shopkeeper.display.tables import counted, print_rows

if TYPE_CHECKING:
    from serving.answers.tables.table import ServedTable


class ItemForm(StrEnum):
    """How the list is given."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


FormOption = Annotated[ItemForm, typer.Option("--format", help="How the list is given.")]
Alerts = Annotated[bool, typer.Option("--alerts", help="Only items that need a look.")]
ToOrder = Annotated[bool, typer.Option("--to-order", help="The buying list: only items to order today.")]


def items(
    where: lists.Where = None,
    sort: lists.Sort = None,
    columns: lists.Columns = None,
    limit: lists.Limit = None,
    form: FormOption = ItemForm.table,
    output: lists.Output = None,
    alerts: Alerts = False,
    to_order: ToOrder = False,
    as_csv: lists.CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the items of the published bundle: what to order today, what will run out, what rises and falls.

    Examples:

    [bold]shopkeeper items --to-order[/]

    [bold]shopkeeper items --alerts --format csv > alerts.csv[/]

    [bold]shopkeeper items --where trend:eq:rising --sort=-trend_percent[/]
    """
    from serving.answers.published import open_published
    from serving.answers.tables.list_request import ListOptions, parse_list

    bundle = open_published(load_settings().bundles_url)
    table = bundle.table("items")
    given = lists.form_of(form, as_csv, as_json)
    filters = [*(where or ()), *_own_filters(bundle.version, table, alerts, to_order)]
    options = ListOptions(filters, sort, columns, limit or lists.default_limit(given))
    request = parse_list("items", table, given, options)
    found = request.find(request.limit)

    def print_table() -> None:
        what = "items to order today" if to_order else "items"
        title = f"{found.total:,} {what}, bundle {bundle.version}"
        shown = list(request.columns) or shown_columns(table.columns, to_order=to_order)
        rows = table.rows_at(found.positions, list(dict.fromkeys([c.ITEM_ID, *shown])))
        if request.columns:
            print_rows(title, rows, shown)
        else:
            print_items(title, rows, shown, to_order=to_order)
        lists.say_how_many(len(found.positions), found.total)
        if to_order:
            _say_unknown_stock(table)

    lists.give_list(request, found, bundle.version, output, print_table)


def _say_unknown_stock(table: "ServedTable") -> None:
    """Say how many forecast items cannot be in the buying list, and what to do about it."""
    from serving.answers.tables.list_request import ListOptions, parse_list

    conditions = [f"{STOCK}:null:true", f"{ORDER_UP_TO}:null:false"]
    if not {STOCK, ORDER_UP_TO} <= set(table.columns):
        return
    unknown = parse_list("items", table, "json", ListOptions(conditions)).find(1).total
    if unknown:
        print_paragraph(
            f"The stock of {counted(unknown, 'item')} is unknown. Without it, no item can be in this list. State "
            "it in the column `stock` of the catalogue file, or by POST /v1/items; then run `shopkeeper ingest "
            "--catalogue FILE`, `shopkeeper train inventory` and `shopkeeper publish`."
        )


def _own_filters(version: str, table: "ServedTable", alerts: bool, to_order: bool) -> list[str]:
    wanted = {ALERT: (alerts, f"{ALERT}:null:false"), ORDER_QUANTITY: (to_order, f"{ORDER_QUANTITY}:gt:0")}
    missing = [name for name, (is_wanted, _) in wanted.items() if is_wanted and name not in table.columns]
    if missing:
        raise NoBundle(
            f"bundle {version} does not say what to order. `shopkeeper train inventory` says what it needs; "
            "`shopkeeper forecast ITEM` shows one item's forecast."
        )
    return [text for is_wanted, text in wanted.values() if is_wanted]
