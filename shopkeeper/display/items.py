"""Items in a terminal: the columns that a shopkeeper reads first, as far as the bundle has them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from contracts import columns as c
from shopkeeper.display.console import console, print_paragraph
from shopkeeper.display.tables import NOTHING, Column, number, print_table, printable, words

Row = dict[str, Any]
ALERT: Final = "inventory_alert"
ORDER_QUANTITY: Final = "order_quantity"
ORDER_UP_TO: Final = "order_up_to"
STOCK: Final = "stock_on_hand"
SUPPLIER: Final = "supplier"  # an attribute that a catalogue may have
PAST_DAYS: Final = 14  # shown before the forecast
_TOTAL: Final = "units_next_"
_WRAPPED: Final = {c.ITEM_NAME: 12, ALERT: 12, c.ATTRIBUTES: 10}  # text that may be wrapped, to so many characters
_TO_TELL: Final = (STOCK, ORDER_QUANTITY, "stockout_date", "days_of_cover", "trend", "overstock_units")
# Most important first. Column -> head; only those that the bundle has are shown.
_HEADS: Final = {
    c.ITEM_ID: "item",
    c.ITEM_NAME: "name",
    ALERT: "alert",
    STOCK: "stock",
    ORDER_QUANTITY: "order",
    "stockout_date": "empty on",
    "stockout_probability": "risk",
    _TOTAL: "next",
    "trend": "trend",
    "days_of_cover": "days left",
    "overstock_units": "too many",
    "trend_percent": "% / 4 weeks",
}
_TO_ORDER_HEADS: Final = {
    c.ITEM_ID: "item",
    c.ITEM_NAME: "name",
    ORDER_QUANTITY: "order",
    STOCK: "stock",
    "lead_time_days": "lead days",
    "unit_cost": "cost",
    "order_value": "value",
    c.ATTRIBUTES: "supplier",
    ALERT: "alert",
    "stockout_date": "empty on",
    "stockout_probability": "risk",
    _TOTAL: "next",
}
_TEXT: Final = frozenset({c.ITEM_ID, c.ITEM_NAME, ALERT, "trend", "stockout_date", c.ATTRIBUTES})
_STYLES: Final = {
    "out_of_stock": "red",
    "runs_out_before_delivery": "red",
    "low_stock": "yellow",
    "overstock": "blue",
    "rising": "green",
    "falling": "magenta",
}


def shown_columns(columns: Sequence[str], *, to_order: bool = False) -> list[str]:
    """The columns that the table shows, of a bundle with these columns; of the buying list with `to_order`."""
    total = next((name for name in columns if name.startswith(_TOTAL)), "")
    wanted = [total if name == _TOTAL else name for name in (_TO_ORDER_HEADS if to_order else _HEADS)]
    return [name for name in wanted if name in columns]


def print_items(title: str, rows: Sequence[Row], columns: Sequence[str], *, to_order: bool = False) -> None:
    """Print one row per item; columns without a value in any row are left out."""
    if not rows:
        console.print(title, highlight=False, markup=False)
        return
    heads = _TO_ORDER_HEADS if to_order else _HEADS
    made = [_column(name, heads, rows) for name in columns]
    print_table(title, [column for column in made if set(column.cells) != {NOTHING}])


def print_forecast(title: str, row: Row, days: Sequence[Row], history: Sequence[Row]) -> None:
    """Print the total of all days and the stock first, then recent sales, then the forecast day by day."""
    console.print(title, style="bold", highlight=False, markup=False)
    print_paragraph(_total_sentence(row, days))
    said = [f"{_HEADS[name]} {_cell(name)(row)}" for name in _HEADS if name in _TO_TELL and row.get(name) is not None]
    if said:
        print_paragraph(f"{', '.join(said)}.".capitalize())
    console.print()
    print_days("", "", days, history)


def print_days(title: str, caption: str, days: Sequence[Row], history: Sequence[Row] = ()) -> None:
    """Print one line per day: past days, if given, then forecast days with their interval."""
    if title:
        console.print(title, style="bold", highlight=False, markup=False)
    if caption:
        print_paragraph(caption)
    names = ["low", "median", "high"] + (["mean"] if any(day["mean"] is not None for day in days) else [])
    past = history[-PAST_DAYS:]
    columns = [Column("date", [str(day["date"]) for day in (*past, *days)])]
    if past:
        sold = ["not in stock?" if day["units"] is None else number(day["units"]) for day in past]
        columns.append(Column("sold", [*sold, *[""] * len(days)], is_number=True))
    for name in names:
        columns.append(Column(name, [*[""] * len(past), *(number(day[name]) for day in days)], is_number=True))
    print_table("", columns)


def _total_sentence(row: Row, days: Sequence[Row]) -> str:
    """The forecast of the whole horizon, where the table of items has it, else the sum of the means."""
    name = next((name for name in row if name.startswith(_TOTAL) and row[name] is not None), None)
    if name is None:
        means = [day["mean"] for day in days if day["mean"] is not None]
        return f"{len(days)} days from {days[0]['date']}: {sum(means):,.0f} units expected."
    low, high = (row.get(name.replace("next", end)) for end in ("low", "high"))
    band = f"; in 8 of 10 cases {low:,.0f} to {high:,.0f}" if low is not None and high is not None else ""
    return f"{words(name.removeprefix(_TOTAL))} from {days[0]['date']}: {row[name]:,.0f} units expected{band}."


def _column(name: str, heads: Mapping[str, str], rows: Sequence[Row]) -> Column:
    """A column of the list; the forecast's total is found by its prefix."""
    write = _cell(name)
    head = words(name.removeprefix("units_")) if name.startswith(_TOTAL) else heads[name]
    styles = [_STYLES.get(row[name] or "", "") for row in rows] if name in (ALERT, "trend") else ()
    least = 5 if name.startswith(_TOTAL) else _WRAPPED.get(name)
    return Column(head, [write(row) for row in rows], is_number=name not in _TEXT, least=least, styles=styles)


def _cell(name: str) -> Callable[[Row], str]:
    if name == c.ITEM_NAME:  # an item without a name of its own shows its id once
        return lambda row: printable(row[name] if row[name] != row.get(c.ITEM_ID) else None)
    if name == c.ATTRIBUTES:
        return lambda row: _supplier(row[name])
    if name in (ALERT, "trend"):
        return lambda row: words(row[name])
    if name in ("stockout_probability", "trend_percent"):
        factor, sign = (100, " %") if name == "stockout_probability" else (1, "")
        return lambda row: NOTHING if row[name] is None else f"{factor * row[name]:.0f}{sign}"
    if name.startswith(_TOTAL) or name in ("days_of_cover", "overstock_units"):
        return lambda row: NOTHING if row[name] is None else f"{row[name]:,.0f}"
    return lambda row: number(row[name])


def _supplier(attributes: str | None) -> str:
    stated = json.loads(attributes) if attributes else {}
    return printable(stated.get(SUPPLIER))
