"""`shopkeeper kpis`: the store's figures by month."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.box import SIMPLE
from rich.table import Table

from contracts.settings import load_settings
from shopkeeper.display.console import JsonOption, console, print_json, print_paragraph
from shopkeeper.display.tables import Column, print_table

if TYPE_CHECKING:
    import pyarrow as pa

    from serving.answers.kpis import Kpis

MISSING: Final = "–"
UNDER_WAY: Final = "*"  # the month is not over
# The columns that fit a terminal, their short heads, and how a cell is written.
_COLUMNS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "orders": ("orders", "{:,}".format),
    "revenue": ("revenue", "{:,.0f}".format),
    "average_order_value": ("AOV", "{:,.2f}".format),
    "customers": ("customers", "{:,}".format),
    "new_customers": ("new", "{:,}".format),
    "repeat_rate": ("repeat", "{:.0%}".format),
    "revenue_per_customer": ("each", "{:,.2f}".format),
    "lapsed_customers": ("lapsed", "{:,}".format),
    "churned_value": ("their value", "{:,.0f}".format),
}
_ONLY_BY_MONTH: Final = ("revenue_per_customer",)  # where the channel takes its place; the other forms have it


def kpis(
    by: Annotated[
        Literal["month", "channel"], typer.Option(help="One row per month, or one per month and channel.")
    ] = "month",
    cohorts: Annotated[bool, typer.Option("--cohorts", help="Retention by month of first order instead.")] = False,
    months: Annotated[int, typer.Option(min=1, help="How many of the last months, the current one included.")] = 12,
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")] = "table",
    as_json: JsonOption = False,
) -> None:
    """Show the published figures: orders, revenue, repeat rate, retention, churned value.

    Example: [bold]shopkeeper kpis --by channel --months 3[/]
    """
    from serving.answers.kpis import kpi_csv, kpi_json
    from serving.answers.published import open_published

    bundle = open_published(load_settings().bundles_url)
    version, figures = bundle.version, bundle.store_kpis()
    table = figures.cohorts(months) if cohorts else figures.rows(by, months, channel)
    if as_json or form == "json":
        print_json(kpi_json(figures, table, version))
    elif form == "csv":
        sys.stdout.buffer.write(kpi_csv(table))
    else:
        if cohorts:
            _print_triangle(table, months)
        else:
            console.print(_figures(table, by))
        print_paragraph(_footnote(figures, version))


def _figures(table: "pa.Table", by: str) -> Table:
    """Print one line per row, the latest month last."""
    shown = Table(
        title="Figures by month" if by == "month" else "Figures by month and channel", title_justify="left", box=SIMPLE
    )
    # Ten columns in a terminal of eighty characters.
    shown.padding, shown.pad_edge, shown.show_edge = 0, False, False
    shown.add_column("month", no_wrap=True)
    if by == "channel":
        shown.add_column("channel", overflow="fold")
    columns = {name: _COLUMNS[name] for name in _COLUMNS if by == "month" or name not in _ONLY_BY_MONTH}
    for head, _ in columns.values():
        shown.add_column(head, justify="right", min_width=max(map(len, head.split())))
    for row in table.to_pylist():
        cells = (MISSING if row[name] is None else write(row[name]) for name, (_, write) in columns.items())
        channel = [row["channel"]] if by == "channel" else []
        shown.add_row(_month(row["month"], row["is_complete"]), *channel, *cells)
    return shown


def _print_triangle(table: "pa.Table", months: int) -> None:
    """Print one line per cohort: the share that ordered 0, 1, 2 ... months later."""
    rows = table.to_pylist()
    if not rows:
        print_paragraph(f"No customer placed a first order in the last {months} months. --months shows earlier ones.")
        return
    cohorts: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        cohorts.setdefault(row["cohort_month"], []).append(row)
    columns = [
        Column("since", [_month(month, True) for month in cohorts]),
        Column("customers", [f"{of_cohort[0]['customers']:,}" for of_cohort in cohorts.values()], is_number=True),
    ]
    for month in range(1 + max(row["months_since"] for row in rows)):
        cells = [
            next((_retention(row) for row in of_cohort if row["months_since"] == month), "")
            for of_cohort in cohorts.values()
        ]
        columns.append(Column(f"+{month}" if month else "0", cells, is_number=True))
    print_table("Share that ordered 0, 1, 2 ... months after the first order", columns, gap=1)


def _retention(row: dict[str, Any]) -> str:
    return f"{row['retention']:.0%}" + ("" if row["is_complete"] else UNDER_WAY)


def _month(first_day: Any, is_complete: bool) -> str:
    return f"{first_day:%Y-%m}" + ("" if is_complete else UNDER_WAY)


def _footnote(figures: "Kpis", version: str) -> str:
    lapse = (
        "The store is too young to say who has lapsed."
        if figures.lapse_days is None
        else f"Lapsed: no order for {figures.lapse_days} days; churned value: what they spent in the year before."
    )
    return f"{UNDER_WAY} month under way. {lapse} Bundle {version}, as of {figures.as_of:%Y-%m-%d %H:%M} UTC."
