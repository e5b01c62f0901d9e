"""Items in a terminal: the columns that a shopkeeper reads first, as far as the bundle has them."""

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from contracts import columns as c
from shopkeeper.display.console import console
from shopkeeper.display.customers import printable

Row = dict[str, Any]
ALERT: Final = "inventory_alert"
ORDER_QUANTITY: Final = "order_quantity"
PAST_DAYS: Final = 14  # shown before the forecast
# Column of the table -> title; of the list only those that the bundle has. The forecast's total is found by its prefix.
_TITLES: Final = {
    c.ITEM_ID: "item",
    c.ITEM_NAME: "name",
    ALERT: "alert",
    ORDER_QUANTITY: "order",
    "stock_on_hand": "stock",
    "days_of_cover": "days left",
    "stockout_date": "empty on",
    "stockout_probability": "risk",
    "overstock_units": "too many",
    "trend": "trend",
    "trend_percent": "% / 4 weeks",
}
_TOTAL: Final = "units_next_"
_WIDE: Final = 130  # characters, below which these stay out of a terminal's table
_ONLY_WIDE: Final = (c.ITEM_NAME, "overstock_units", "trend_percent", "days_of_cover")
_STYLES: Final = {
    "out_of_stock": "red",
    "runs_out_before_delivery": "red",
    "low_stock": "yellow",
    "overstock": "blue",
    "rising": "green",
    "falling": "magenta",
}


def shown_columns(columns: Sequence[str]) -> list[str]:
    """The columns that the table shows, of a bundle with these columns."""
    total = [name for name in columns if name.startswith(_TOTAL)]
    shown = [name for name in [*_TITLES, *total] if name in columns]
    return shown if console.width >= _WIDE else [name for name in shown if name not in _ONLY_WIDE]


def print_items(title: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print one row per item."""
    table = Table(title=Text(title), title_justify="left")
    for name in columns:
        is_text = name in (c.ITEM_ID, c.ITEM_NAME, ALERT, "trend", "stockout_date")
        title = _TITLES.get(name, name.removeprefix("units_").replace("_", " "))
        table.add_column(title, justify="left" if is_text else "right", no_wrap=name == c.ITEM_ID)
    for row in rows:
        table.add_row(*(Text(cell(row[name]), _STYLES.get(row[name], "")) for name in columns))
    console.print(table)


def print_forecast(title: str, row: Row, days: Sequence[Row], history: Sequence[Row]) -> None:
    """Print recent sales, then the forecast; below them the item's other columns in one line."""
    said = [f"{_TITLES[name]} {cell(row[name])}" for name in _TITLES if row.get(name) is not None]
    print_days(title, ", ".join(said[1:]), days, history)


def print_days(title: str, caption: str, days: Sequence[Row], history: Sequence[Row] = ()) -> None:
    """Print one line per day: past days, if given, then forecast days with their interval."""
    table = Table(title=Text(title), title_justify="left", caption=Text(caption), caption_justify="left")
    columns = ["low", "median", "high"] + (["mean"] if any(day["mean"] is not None for day in days) else [])
    sold = ["sold"] if history else []
    for name in ("date", *sold, *columns):
        table.add_column(name, justify="left" if name == "date" else "right")
    for day in history[-PAST_DAYS:]:
        units = "not in stock?" if day["units"] is None else cell(day["units"])
        table.add_row(str(day["date"]), Text(units, "dim"), *[""] * len(columns))
    for day in days:
        table.add_row(str(day["date"]), *[""] * len(sold), *(cell(day[name]) for name in columns))
    console.print(table)


def cell(value: Any) -> str:
    """A cell's text; whole numbers have no decimals, since units are mostly whole."""
    return f"{value:,.0f}" if isinstance(value, float) and value.is_integer() else printable(value)
