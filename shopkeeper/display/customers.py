"""Customers in a terminal: the columns that a marketer reads first, as far as the bundle has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contracts import columns as c
from shopkeeper.display.console import console
from shopkeeper.display.tables import Column, print_table, printable

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
    is_number: bool = False
    least: int | None = None  # characters to which its text may be wrapped


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
    if low is None or high is None:
        return f"{row[c.EXPECTED_VALUE_90D]:,.0f}"
    # Most low ends are 0, which says nothing.
    interval = f" ({low:,.0f}–{high:,.0f})" if low > 0 else f" (to {high:,.0f})"
    return f"{row[c.EXPECTED_VALUE_90D]:,.0f}{interval}"


def _next_order(row: Row) -> str:
    first, last = row[c.NEXT_ORDER_FROM], row[c.NEXT_ORDER_TO]
    return f"{first} – {last}" if first and last else row[c.NEXT_ORDER_EXPECTED] or ""


# Most important first: a narrow terminal leaves out the last ones.
_SHOWN: Final = (
    _Shown("customer", c.CUSTOMER_ID),
    _Shown("risk", c.CHURN_RISK, (c.CHURN_RISK_LOW, c.CHURN_RISK_HIGH, c.CHURN_BAND), _risk),
    _Shown("at risk", c.VALUE_AT_RISK, is_number=True),
    _Shown("why", c.CHURN_REASONS[0], least=20),
    _Shown("do", c.SUGGESTED_ACTION, least=16),
    _Shown("stage", c.STAGE),
    _Shown("next order", c.NEXT_ORDER_EXPECTED, (c.NEXT_ORDER_FROM, c.NEXT_ORDER_TO), _next_order),
    _Shown(
        "value, 90 days",
        c.EXPECTED_VALUE_90D,
        (c.EXPECTED_VALUE_90D_LOW, c.EXPECTED_VALUE_90D_HIGH),
        _value,
        is_number=True,
    ),
    _Shown("segment", c.RFM_SEGMENT),
)
# Where few families are published.
_PLAIN: Final = (
    _Shown("orders", c.ORDERS, is_number=True),
    _Shown("revenue", c.REVENUE, is_number=True),
    _Shown("last order", c.LAST_ORDER_AT, cell=lambda row: (row[c.LAST_ORDER_AT] or "")[:10]),
)


def shown_columns(columns: Sequence[str]) -> list[str]:
    """The columns of the list that the table needs."""
    return list(dict.fromkeys(name for shown in _chosen(columns) for name in (shown.needs, *shown.also)))


def print_customers(title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print the table for a bundle with these columns; missing values stay empty."""
    if not rows:
        console.print(title, highlight=False, markup=False)
        return
    full = [dict.fromkeys(shown_columns(columns)) | row for row in rows]
    print_table(title, [_column(shown, full) for shown in _chosen(columns)])


def _column(shown: _Shown, rows: Sequence[Row]) -> Column:
    cells = [printable(shown.cell(row) if shown.cell else row[shown.needs]) for row in rows]
    has_style = shown.needs == c.CHURN_RISK
    styles = [_BAND_STYLES.get(row.get(c.CHURN_BAND) or "", "") for row in rows] if has_style else ()
    return Column(shown.title, cells, shown.is_number, shown.least, styles)


def _chosen(columns: Sequence[str]) -> list[_Shown]:
    present = [shown for shown in _SHOWN if shown.needs in columns]
    plain = [shown for shown in _PLAIN if shown.needs in columns]
    return present if len(present) >= ENOUGH_COLUMNS else present + plain
