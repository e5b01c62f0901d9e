"""`shopkeeper forecast`: the forecast of an item, or of the whole store, its categories or its channels."""

import sys
from typing import Annotated, Any, Final, Literal

import typer

from contracts import columns as c
from contracts.errors import InputError
from contracts.settings import load_settings
from shopkeeper.commands.items import items
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.items import print_days, print_forecast
from shopkeeper.display.tables import Column, number, print_table, printable

SCREEN_ROWS: Final = 20
_HEADS: Final = {"mean": "expected", "low": "low", "median": "median", "high": "high"}
_PERIODS: Final = {1: "days", 7: "weeks"}  # by the days from one date to the next

Row = dict[str, Any]


def forecast(
    item: Annotated[str | None, typer.Argument(help="Id of the item; without it, what to order today.")] = None,
    by: Annotated[
        Literal["total", "category", "channel"] | None,
        typer.Option(help="Instead of items: the store as a whole, its categories or its channels."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="With --by: only this one, day by day.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; not of one item.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show an item's demand forecast, day by day, with the band in which 8 of 10 days should fall.

    Recent sales are shown first. Without an item: the buying list, items likeliest to run out first.

    Examples:

    [bold]shopkeeper forecast[/]

    [bold]shopkeeper forecast sku-42[/]

    [bold]shopkeeper forecast --by category[/]

    [bold]shopkeeper forecast --by category --name tea --csv > tea.csv[/]
    """
    _check_one_question(item, by, name, as_csv)
    if by is not None:
        give_level_forecast(by, name, "json" if as_json else "csv" if as_csv else "table")
    elif item is None:
        items(to_order=True, as_csv=as_csv, as_json=as_json)
    else:
        _give_item_forecast(item, as_json)


def _check_one_question(item: str | None, by: str | None, name: str | None, as_csv: bool) -> None:
    if item is not None and by is not None:
        raise InputError(f"--by {by} is not about the item {item!r}: leave one of them out.")
    if name is not None and by is None:
        raise InputError(f"--name {name!r} needs --by category or --by channel; an item's id stands without --name.")
    if item is not None and as_csv:
        raise InputError("--csv is for --by and for the buying list; --json gives an item's forecast to programs.")


def _give_item_forecast(item: str, as_json: bool) -> None:
    from serving.answers.published import open_published

    bundle = open_published(load_settings().bundles_url)
    forecasts = bundle.item_forecasts()
    days, history = forecasts.days(item), forecasts.history(item)
    row = bundle.table("items").row(item)
    if not days or row is None:
        known = "it has not sold lately" if row else "no event has named it"
        raise InputError(f"there is no forecast for item {item!r}: {known}.")
    if as_json:
        print_json({"bundle_version": bundle.version, "item": row, "days": days, "history": history})
        return
    name = row[c.ITEM_NAME] if row[c.ITEM_NAME] not in (None, item) else None
    title = printable(f"{name} ({item})" if name else item)
    print_forecast(f"{title}, bundle {bundle.version}", row, days, history)


def give_level_forecast(
    by: Literal["total", "category", "channel"], name: str | None, form: Literal["table", "json", "csv"]
) -> None:
    """Print all nodes of a level, or one of them day by day; raises NoBundle and InputError."""
    from serving.answers.forecasts.hierarchy import level_csv, level_json
    from serving.answers.forecasts.items import DEMAND
    from serving.answers.published import open_published

    bundle = open_published(load_settings().bundles_url)
    nodes = bundle.hierarchy_forecasts().nodes(by, name)
    if form == "csv":
        sys.stdout.buffer.write(level_csv(nodes))
        return
    answer = level_json(nodes, bundle.version, bundle.as_of(DEMAND))
    if form == "json":
        print_json(answer)
    elif name is not None or by == "total":
        _print_node(answer["rows"][0], bundle.version)
    else:
        _print_nodes(by, answer["rows"], bundle.version)


def _print_node(row: Row, version: str) -> None:
    total = {name: number(units) for name, units in row["total"].items()}
    caption = (
        f"{_span(row)}: {total['mean']} units expected; in 8 of 10 cases {total['low']} to {total['high']}. "
        "Means of days add up, bands do not."
    )
    print_days(f"{printable(row['name'])}, bundle {version}", caption, row["days"])


def _print_nodes(by: str, rows: list[Row], version: str) -> None:
    """Print the first nodes with their totals, best sellers first."""
    if not rows:
        console.print(f"No {by} has a forecast in bundle {version}.", highlight=False)
        return
    shown = rows[:SCREEN_ROWS]
    columns = [Column(by, [printable(row["name"]) for row in shown], least=20)]
    for name, head in _HEADS.items():
        columns.append(Column(head, [number(row["total"][name]) for row in shown], is_number=True))
    print_table(f"Units, {_span(rows[0])}, bundle {version}", columns)
    if len(rows) > SCREEN_ROWS:
        console.print(f"The first {SCREEN_ROWS} of {len(rows):,} are shown; --csv or --json for all.", highlight=False)


def _span(row: Row) -> str:
    """The forecast's periods in words, such as `28 days from 2026-01-01`."""
    dates = [day["date"] for day in row["days"]]
    if len(dates) == 1:
        return f"the period from {dates[0]}"
    return f"{len(dates)} {_PERIODS.get((dates[1] - dates[0]).days, 'months')} from {dates[0]}"
