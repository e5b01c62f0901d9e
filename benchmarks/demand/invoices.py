"""Invoice lines as daily series of items, for a folder of events whose file has the columns of an invoice."""

from pathlib import Path
from typing import Final

import pandas as pd

from benchmarks.demand.panel_reader import DATE, SERIES, UNITS
from contracts.errors import InputError

LINES: Final = "lines"
_COLUMNS: Final = ("invoice_no", "stock_code", "quantity", "invoice_ts", "unit_price")
_CUSTOMER: Final = "customer_id"
_IS_CANCELLED: Final = "is_cancelled"


def find_invoices(folder: Path) -> Path:
    """The folder's one Parquet file with the columns of an invoice. Raises InputError."""
    files = sorted(folder.glob("*.parquet"))
    if len(files) != 1:
        raise InputError(
            f"{folder} holds neither series.parquet nor one file of invoices: it has {len(files)} Parquet files. Name "
            "a folder with series.parquet and meta.json, or one with a single Parquet file of invoice lines."
        )
    return files[0]


def read_sales(path: Path) -> pd.DataFrame:
    """series_id, date, units and lines (how many invoice lines), one row per item and day with sales.

    What does not count: cancellations (invoices that start with C), stock corrections (a quantity of 0 or less, or a
    price of 0 without a customer), and what is no product (postage, fees and manual entries: codes without a leading
    digit, as long as most codes have one). A line that was taken back whole on the same day was no sale either.
    Raises InputError where the columns are not those of invoices.
    """
    lines = pd.read_parquet(path)
    missing = [name for name in _COLUMNS if name not in lines.columns]
    if missing:
        raise InputError(f"{path} has no {', '.join(missing)}; invoice lines have {', '.join(_COLUMNS)}.")
    lines[SERIES] = lines["stock_code"].astype(str)
    lines[DATE] = pd.to_datetime(lines["invoice_ts"]).dt.normalize()
    lines[_IS_CANCELLED] = lines["invoice_no"].astype(str).str.startswith("C")
    if _CUSTOMER not in lines.columns:
        lines[_CUSTOMER] = ""
    is_counted = (lines["quantity"] > 0) & ((lines["unit_price"] > 0) | lines[_CUSTOMER].notna())
    sold = lines[is_counted & ~lines[_IS_CANCELLED] & ~_taken_back(lines)]
    sold = sold[_is_product(sold[SERIES])]
    daily = sold.groupby([SERIES, DATE], as_index=False).agg(
        **{UNITS: ("quantity", "sum"), LINES: ("quantity", "size")}
    )
    if not len(daily):
        raise InputError(f"{path} holds no sales; give invoice lines with a positive quantity.")
    return daily


def _taken_back(lines: pd.DataFrame) -> pd.Series:
    """Lines to which a cancellation of the same customer, item, day and quantity belongs, one each."""
    lines = lines.assign(size=lines["quantity"].abs())
    same = [_CUSTOMER, SERIES, DATE, "size"]
    cancellations = lines.groupby(same, dropna=False, sort=False)[_IS_CANCELLED].transform("sum")
    place = lines.groupby([*same, _IS_CANCELLED], dropna=False, sort=False).cumcount()
    return ~lines[_IS_CANCELLED] & (place < cancellations)


def _is_product(codes: pd.Series) -> pd.Series:
    leads = codes.str[:1].str.isdigit()
    return leads if leads.mean() > 0.9 else codes.notna()
