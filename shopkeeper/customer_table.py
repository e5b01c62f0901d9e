"""Customers in a terminal: what a marketer looks at first, as far as the bundle has it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from contracts import columns as c
from shopkeeper.output import console

Row = dict[str, Any]
ENOUGH_COLUMNS: Final = 5
_BAND_STYLES: Final = {"high": "red", "medium": "yellow", "low": "green"}


@dataclass(frozen=True)
class _Shown:
    """One column of the terminal's table, made of one or more of the list's."""

    title: str
    needs: str
    also: tuple[str, ...] = ()
    cell: Callable[[Row], str] | None = None
    justify: Any = "left"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}"


def _risk(row: Row) -> str:
    if row["churn_risk"] is None:
        return ""
    low, high = _percent(row["churn_risk_low"]), _percent(row["churn_risk_high"])
    interval = f" ({low}–{high})" if low and high else ""
    return f"{_percent(row['churn_risk'])} %{interval} {row['churn_band'] or ''}".rstrip()


def _value(row: Row) -> str:
    if row["expected_value_90d"] is None:
        return ""
    low, high = row["expected_value_90d_low"], row["expected_value_90d_high"]
    interval = f" ({low:,.0f}–{high:,.0f})" if low is not None and high is not None else ""
    return f"{row['expected_value_90d']:,.0f}{interval}"


def _next_order(row: Row) -> str:
    first, last = row["next_order_from"], row["next_order_to"]
    return f"{first} – {last}" if first and last else row["next_order_expected"] or ""


_SHOWN: Final = (
    _Shown("customer", c.CUSTOMER_ID),
    _Shown("risk", "churn_risk", ("churn_risk_low", "churn_risk_high", "churn_band"), _risk, "right"),
    _Shown(
        "value, 90 days", "expected_value_90d", ("expected_value_90d_low", "expected_value_90d_high"), _value, "right"
    ),
    _Shown("at risk", "value_at_risk", justify="right"),
    _Shown("next order", "next_order_expected", ("next_order_from", "next_order_to"), _next_order),
    _Shown("segment", "rfm_segment"),
    _Shown("stage", "stage"),
    _Shown("why", "churn_reason_1"),
    _Shown("do", "suggested_action"),
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
    """The columns of the list that the table is made of."""
    return list(dict.fromkeys(name for shown in _chosen(columns) for name in (shown.needs, *shown.also)))


def print_customers(title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """The table for a bundle that has these columns; what a row lacks stays empty."""
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
        style = _BAND_STYLES.get(full.get("churn_band") or "", "")
        cells = [printable(shown.cell(full) if shown.cell else full[shown.needs]) for shown in chosen]
        table.add_row(
            *(Text(cell, style if shown.title == "risk" else "") for shown, cell in zip(chosen, cells, strict=True))
        )
    console.print(table)


def print_rows(title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Any rows, one column each."""
    table = Table(*columns, title=Text(title), title_justify="left")
    for row in rows:
        table.add_row(*(Text(printable(row[name])) for name in columns))
    console.print(table)


def printable(value: Any) -> str:
    """A cell's text. Ids and names come from outside: what would steer a terminal is not printed."""
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
