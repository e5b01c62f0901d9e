"""Invoice lines become one order for each invoice of a known customer."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.customers import invoices
from benchmarks.customers.split import read_orders

LINES = pd.DataFrame(
    [
        ("1", 7.0, "2025-01-01 09:00", 2, 3.0),
        ("1", 7.0, "2025-01-01 09:01", 1, 4.0),
        ("1", 7.0, "2025-01-01 09:00", 5, 0.0),  # a gift
        ("2", None, "2025-01-02 09:00", 1, 1.0),  # of nobody
        ("C3", 7.0, "2025-01-03 09:00", -2, 3.0),  # a cancellation
        ("4", 5.0, "2025-01-04 09:00", 1, 9.0),
        ("5", 5.0, "2025-01-05 09:00", -1, 9.0),  # a correction
    ],
    columns=["invoice_no", "customer_id", "invoice_ts", "quantity", "unit_price"],
).astype({"customer_id": "Int32", "invoice_ts": "datetime64[ms]"})


def test_lines_of_an_invoice_are_summed_and_what_is_no_sale_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LINES.to_parquet(tmp_path / "lines.parquet")
    monkeypatch.setattr(sys, "argv", ["invoices", str(tmp_path / "lines.parquet"), "--out", str(tmp_path / "orders")])
    invoices.main()
    orders = read_orders(tmp_path / "orders")
    assert orders[["customer_id", "units", "order_value"]].to_numpy().tolist() == [["5", 1, 9.0], ["7", 3, 10.0]]
    assert orders["ordered_at"].dt.day.tolist() == [4, 1]
