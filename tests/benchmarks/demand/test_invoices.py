from pathlib import Path

import pandas as pd
import pytest

from benchmarks.demand.data import read_folder
from benchmarks.demand.invoices import find_invoices, read_sales
from contracts.errors import InputError

COLUMNS = ["invoice_no", "stock_code", "quantity", "invoice_ts", "unit_price", "customer_id"]
DAY = pd.Timestamp("2025-03-03")


def lines(*rows: tuple[str, str, int, str, float, int | None]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS).assign(
        invoice_ts=lambda frame: pd.to_datetime(frame["invoice_ts"]),
        customer_id=lambda frame: frame["customer_id"].astype("Int32"),
    )


def sales(tmp_path: Path, frame: pd.DataFrame) -> list[list[object]]:
    frame.to_parquet(tmp_path / "any_name.parquet")
    found = read_sales(find_invoices(tmp_path))
    return found.assign(date=found["date"].dt.strftime("%d")).to_numpy().tolist()


def test_lines_of_an_item_and_day_add_up_and_cancellations_do_not_count(tmp_path: Path) -> None:
    frame = lines(
        ("1", "10a", 2, "2025-03-03 09:00", 1.0, 7),
        ("2", "10a", 3, "2025-03-03 17:00", 1.0, 8),
        ("3", "10a", 4, "2025-03-04 09:00", 1.0, 8),
        ("C4", "10a", -3, "2025-03-05 09:00", 1.0, 8),
        ("5", "20", -9, "2025-03-05 09:00", 0.0, None),
        ("6", "20", 9, "2025-03-05 09:00", 0.0, None),
        ("7", "20", 1, "2025-03-05 09:00", 0.0, 8),
    )
    assert sales(tmp_path, frame) == [["10a", "03", 5, 2], ["10a", "04", 4, 1], ["20", "05", 1, 1]]


def test_a_line_taken_back_whole_on_its_day_was_no_sale(tmp_path: Path) -> None:
    frame = lines(
        ("1", "10", 999, "2025-03-03 09:00", 1.0, 7),
        ("2", "10", 999, "2025-03-03 09:05", 1.0, 7),
        ("3", "10", 999, "2025-03-03 09:00", 1.0, 8),
        ("C4", "10", -999, "2025-03-03 09:10", 1.0, 7),
        ("C5", "10", -998, "2025-03-03 09:10", 1.0, 8),
    )
    assert sales(tmp_path, frame) == [["10", "03", 1998, 2]]


def test_postage_is_no_product_where_codes_are_numbers(tmp_path: Path) -> None:
    numbered = [(str(n), f"1{n % 3}", 1, "2025-03-03 09:00", 1.0, n) for n in range(30)]
    assert len(sales(tmp_path, lines(*numbered, ("x", "POST", 1, "2025-03-03 09:00", 1.0, 1)))) == 3
    named = [(str(n), f"tea {n % 3}", 1, "2025-03-03 09:00", 1.0, n) for n in range(30)]
    assert len(sales(tmp_path, lines(*named, ("x", "POST", 1, "2025-03-03 09:00", 1.0, 1)))) == 4


def test_an_item_counts_from_the_origin_before_which_it_was_sold_often_enough(tmp_path: Path) -> None:
    rows = [
        (f"{item} {day} {copy}", item, 2, str(DAY + pd.Timedelta(days=day)), 1.0, 1)
        for item, first, copies in (("1 early", 0, 1), ("2 late", 60, 1), ("3 rare", 55, 1))
        for day in range(first, 80 if item != "3 rare" else 60)
        for copy in range(copies)
    ]
    lines(*rows).to_parquet(tmp_path / "invoices.parquet")
    data = read_folder(tmp_path, horizon=7, minimum_sales=10)
    assert data.read.series_ids.tolist() == ["1 early", "2 late"]
    assert [origin.past.series for origin in data.origins()] == [1, 1, 2]  # at day 59, 66 and 73
    assert data.origins().__next__().actual.tolist() == [[2.0] * 7]


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither series\.parquet nor one file of invoices"):
        read_folder(tmp_path)
    lines().drop(columns="quantity").to_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="has no quantity"):
        read_folder(tmp_path)
