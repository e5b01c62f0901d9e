"""`shopkeeper forecast --by`: forecasts of the whole store, of its categories and of its channels."""

import sys
from typing import Any, Final, Literal

from rich.table import Table
from rich.text import Text

from contracts.settings import load_settings
from shopkeeper.display.console import console, print_json
from shopkeeper.display.customers import printable
from shopkeeper.display.items import cell, print_days

SCREEN_ROWS: Final = 20
_HEADS: Final = {"mean": "expected", "low": "low", "median": "median", "high": "high"}
_PERIODS: Final = {1: "days", 7: "weeks"}  # by the days from one date to the next

Row = dict[str, Any]


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
    total = {name: cell(units) for name, units in row["total"].items()}
    caption = (
        f"{_span(row)}: {total['mean']} units expected; in 8 of 10 cases {total['low']} to {total['high']}. "
        "Means of days add up, bands do not."
    )
    print_days(f"{printable(row['name'])}, bundle {version}", caption, row["days"])


def _print_nodes(by: str, rows: list[Row], version: str) -> None:
    """Print the first nodes with their totals, best sellers first."""
    table = Table(title=Text(f"Units, {_span(rows[0])}, bundle {version}"), title_justify="left")
    table.add_column(by, overflow="fold")
    for head in _HEADS.values():
        table.add_column(head, justify="right")
    for row in rows[:SCREEN_ROWS]:
        table.add_row(Text(printable(row["name"])), *(cell(row["total"][name]) for name in _HEADS))
    console.print(table)
    if len(rows) > SCREEN_ROWS:
        console.print(f"The first {SCREEN_ROWS} of {len(rows):,} are shown; --csv or --json for all.", highlight=False)


def _span(row: Row) -> str:
    """The forecast's periods in words, such as `28 days from 2026-01-01`."""
    dates = [day["date"] for day in row["days"]]
    if len(dates) == 1:
        return f"the period from {dates[0]}"
    return f"{len(dates)} {_PERIODS.get((dates[1] - dates[0]).days, 'months')} from {dates[0]}"
