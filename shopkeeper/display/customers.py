"""Customers in a terminal: the columns that a marketer reads first, as far as the bundle has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from contracts import columns as c
from shopkeeper.display.console import console

Row = dict[str, Any]
ENOUGH_COLUMNS: Final = 5
_BAND_STYLES: Final = {"high": "red", "medium": "yellow", "low": "green"}


@dataclass(frozen=True)
class _Shown:
    """One column of the terminal's table, made of one or more columns of the list."""

    title: str
    needs: str
    also: tuple[str, ...] = ()
    cell: Callable[[Row], str] | None = None
    justify: Any = "left"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}"


def _risk(row: Row) -> str:
    if row[c.CHURN_RISK] is None:
        return ""
    low, high = _percent(row[c.CHURN_RISK_LOW]), _percent(row[c.CHURN_RISK_HIGH])
    interval = f" ({low}–{high})" if low and high else ""
    return f"{_percent(row[c.CHURN_RISK])} %{interval} {row[c.CHURN_BAND] or ''}".rstrip()


def _value(row: Row) -> str:
    if row[c.EXPECTED_VALUE_90D] is None:
        return ""
    low, high = row[c.EXPECTED_VALUE_90D_LOW], row[c.EXPECTED_VALUE_90D_HIGH]
    interval = f" ({low:,.0f}–{high:,.0f})" if low is not None and high is not None else ""
    return f"{row[c.EXPECTED_VALUE_90D]:,.0f}{interval}"


def _next_order(row: Row) -> str:
    first, last = row[c.NEXT_ORDER_FROM], row[c.NEXT_ORDER_TO]
    return f"{first} – {last}" if first and last else row[c.NEXT_ORDER_EXPECTED] or ""


_SHOWN: Final = (
    _Shown("customer", c.CUSTOMER_ID),
    _Shown("risk", c.CHURN_RISK, (c.CHURN_RISK_LOW, c.CHURN_RISK_HIGH, c.CHURN_BAND), _risk, "right"),
    _Shown(
        "value, 90 days", c.EXPECTED_VALUE_90D, (c.EXPECTED_VALUE_90D_LOW, c.EXPECTED_VALUE_90D_HIGH), _value, "right"
    ),
    _Shown("at risk", c.VALUE_AT_RISK, justify="right"),
    _Shown("next order", c.NEXT_ORDER_EXPECTED, (c.NEXT_ORDER_FROM, c.NEXT_ORDER_TO), _next_order),
    _Shown("segment", c.RFM_SEGMENT),
    _Shown("stage", c.STAGE),
    _Shown("why", c.CHURN_REASONS[0]),
    _Shown("do", c.SUGGESTED_ACTION),
)
_WIDE: Final = 150  # characters, below which these stay out of a terminal's table
_ONLY_WIDE: Final = ("value, 90 days", "next order", "segment")
# Where few families are published.
_PLAIN: Final = (
    _Shown("orders", c.ORDERS, justify="right"),
    _Shown("revenue", c.REVENUE, justify="right"),
    _Shown("last order", c.LAST_ORDER_AT, cell=lambda row: (row[c.LAST_ORDER_AT] or "")[:10]),
)


def shown_columns(columns: Sequence[str]) -> list[str]:
    """The columns of the list that the table needs."""
    return list(dict.fromkeys(name for shown in _chosen(columns) for name in (shown.needs, *shown.also)))


def print_customers(title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print the table for a bundle with these columns; missing values stay empty."""
    chosen = _chosen(columns)
    left_out = [shown.title for shown in chosen if shown.title in _ONLY_WIDE and console.width < _WIDE]
    chosen = [shown for shown in chosen if shown.title not in left_out]
    table = Table(title=Text(title), title_justify="left")
    if left_out:
        table.caption = f"A wider terminal also shows {', '.join(left_out)}; --format csv has every column."
    for shown in chosen:
        table.add_column(shown.title, justify=shown.justify, no_wrap=shown.needs == c.CUSTOMER_ID)
    for row in rows:
        full = dict.fromkeys(shown_columns(columns)) | row
        style = _BAND_STYLES.get(full.get(c.CHURN_BAND) or "", "")
        cells = [printable(shown.cell(full) if shown.cell else full[shown.needs]) for shown in chosen]
        table.add_row(
            *(Text(cell, style if shown.title == "risk" else "") for shown, cell in zip(chosen, cells, strict=True))
        )
    console.print(table)


def print_rows(title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print any rows, one table column per column."""
    table = Table(*columns, title=Text(title), title_justify="left")
    for row in rows:
        table.add_row(*(Text(printable(row[name])) for name in columns))
    console.print(table)


def printable(value: Any) -> str:
    """A cell's text. Ids and names come from outside, so control characters are replaced."""
    if value is None or value == "":
        return "–"
    text = (
        "; ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:,.2f}"
        if isinstance(value, float)
        else str(value)
    )
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _chosen(columns: Sequence[str]) -> list[_Shown]:
    present = [shown for shown in _SHOWN if shown.needs in columns]
    plain = [shown for shown in _PLAIN if shown.needs in columns]
    return present if len(present) >= ENOUGH_COLUMNS else present + plain
