import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Terms
from pipelines.ingest.readers.record import Record
from pipelines.ingest.readers.tables.mapping import load_mapping
from pipelines.ingest.readers.tables.tabular import read_tabular
from tests.pipelines.wire import NOW

HEADER = "invoice_no,stock_code,description,quantity,invoice_ts,unit_price,customer_id,country\n"
CLICKS = """
timestamp_unit = "ms"
[fields]
timestamp = "time"
anonymous_id = "visitor"
item_id = "item"
consent_marketing = "marketing"
[[rules]]
when = { action = "view" }
event = "Product Viewed"
"""


def records(path: Path, mapping: str) -> list[Record]:
    return [record for block in read_tabular(path, load_mapping(mapping), Terms(NOW)) for record in block]


def retail(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    """The events of invoice lines; a refused line is its code."""
    path = tmp_path / "retail.csv"
    path.write_text(HEADER + "".join(line + "\n" for line in lines))
    found = records(path, "online_retail")
    return [{"code": r.refusal.code} if r.refusal else json.loads(r.raw) for r in found]


def clicks(tmp_path: Path, *lines: str, mapping: str = CLICKS) -> list[Record]:
    (tmp_path / "clicks.toml").write_text(mapping)
    (tmp_path / "clicks.csv").write_text("time,visitor,item,action,marketing\n" + "\n".join(lines))
    return records(tmp_path / "clicks.csv", str(tmp_path / "clicks.toml"))


def test_an_invoice_line_is_an_order_line(tmp_path: Path) -> None:
    (event,) = retail(tmp_path, "536365,85123A,HEART,6,2011-07-01 08:26:00,2.55,17850,United Kingdom")
    assert event["event"] == "Order Completed"
    assert event["userId"] == "17850"
    assert event["timestamp"] == "2011-07-01T07:26:00+00:00"  # British summer time
    assert event["properties"] == {
        "order_id": "536365",
        "currency": "GBP",
        "product_id": "85123A",
        "name": "HEART",
        "price": "2.55",
        "quantity": "6",
    }
    assert event["context"]["location"] == {"country": "United Kingdom"}


def test_cancellations_are_refunds_of_positive_quantity(tmp_path: Path) -> None:
    (event,) = retail(tmp_path, "C536379,22556,TIN,-12,2010-12-01 09:41:00,1.65,14527,France")
    assert (event["event"], event["properties"]["quantity"]) == ("Order Refunded", 12.0)


@pytest.mark.parametrize(
    ("line", "fees"),
    [
        ("536370,POST,POSTAGE,3,2010-12-01 08:45:00,18,12583,France", 54.0),
        ("C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527,France", -27.5),
        ("540818,gift_0001_20,Voucher,1,2011-01-11 12:57:00,16.67,,United Kingdom", 16.67),
        ("A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom", -11062.06),
    ],
)
def test_codes_that_are_no_products_are_money(tmp_path: Path, line: str, fees: float) -> None:
    (event,) = retail(tmp_path, line)
    assert event["event"] == "Order Updated"
    assert event["properties"]["shipping"] == pytest.approx(fees)
    assert "product_id" not in event["properties"]


def test_a_line_without_a_customer_belongs_to_its_invoice(tmp_path: Path) -> None:
    (event,) = retail(tmp_path, "536414,22139,,56,2010-12-01 11:52:00,1.5,,United Kingdom")
    assert (event["userId"], event["anonymousId"]) == (None, "invoice-536414")


@pytest.mark.parametrize(
    ("quantity", "price", "customer"), [("-10", "0", ""), ("-10", "1.5", "17850"), ("56", "0", "")]
)
def test_stock_corrections_are_refused(tmp_path: Path, quantity: str, price: str, customer: str) -> None:
    found = retail(tmp_path, f"536414,22139,found,{quantity},2010-12-01 11:52:00,{price},{customer},United Kingdom")
    assert found == [{"code": "stock_adjustment"}]


def test_a_gift_to_a_customer_is_kept_at_price_zero(tmp_path: Path) -> None:
    (event,) = retail(tmp_path, "537197,22841,TIN,1,2010-12-05 14:02:00,0,12647,Germany")
    assert event["properties"]["price"] == "0"


def test_equal_rows_have_equal_ids_and_others_do_not(tmp_path: Path) -> None:
    line = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
    first, second, third = retail(tmp_path, line, line, line.replace(",6,", ",7,"))
    assert first["messageId"] == second["messageId"] != third["messageId"]


def test_typed_columns_are_read_as_they_are(tmp_path: Path) -> None:
    table = {
        "invoice_no": ["536365", "536366"],
        "stock_code": ["85123A", "71053"],
        "description": [None, "LANTERN"],
        "quantity": pa.array([6, 1], pa.int32()),
        "invoice_ts": [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 1, 8, 28)],  # noqa: DTZ001 as the file has it
        "unit_price": [2.55, float("nan")],
        "customer_id": [17850.0, float("nan")],
        "country": ["United Kingdom", "France"],
    }
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    first, second = (json.loads(r.raw) for r in records(tmp_path / "t.parquet", "online_retail"))
    assert (first["userId"], first["properties"]["price"]) == ("17850", "2.55")
    # A missing customer is one thing, a price that is not a number another: it is refused later.
    assert (second["userId"], second["anonymousId"]) == (None, "invoice-536366")
    assert second["properties"]["price"] == "nan"


def test_numbers_can_be_times_and_rules_must_match(tmp_path: Path) -> None:
    viewed, other = clicks(tmp_path, "1433221332117,257597,355908,view,no", "1433221332117,257597,355908,transaction,")
    event = json.loads(viewed.raw)
    assert event["timestamp"] == "2015-06-02T05:02:12.117000+00:00"
    assert event["context"]["consent"] == {"categoryPreferences": {"marketing": False}}
    assert other.refusal is not None
    assert other.refusal.code == "no_rule"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("yesterday,1,2,view,", "bad_timestamp"),
        (",1,2,view,", "bad_timestamp"),
        ("1e300,1,2,view,", "bad_timestamp"),
        ("1433221332117,1,2,view,perhaps", "wrong_type"),
    ],
)
def test_cells_that_cannot_be_read_are_refused(tmp_path: Path, line: str, code: str) -> None:
    (found,) = clicks(tmp_path, line)
    assert found.refusal is not None
    assert found.refusal.code == code


def test_times_may_have_a_format_and_amounts_must_be_numbers(tmp_path: Path) -> None:
    mapping = CLICKS.replace('timestamp_unit = "ms"', 'timestamp_format = "%d/%m/%Y %H:%M"\ntimezone = "Asia/Tokyo"')
    mapping += 'is_product = false\n[constants]\nprice = "2"\nquantity = "x"\n'
    (found,) = clicks(tmp_path, "02/06/2015 09:00,1,2,view,", mapping=mapping)
    assert found.refusal is not None
    assert found.refusal.code == "wrong_type"
    (found,) = clicks(tmp_path, "02/06/2015 09:00,1,2,view,", mapping=mapping.replace('"x"', '"3"'))
    event = json.loads(found.raw)
    assert event["timestamp"] == "2015-06-02T00:00:00+00:00"
    assert event["properties"]["shipping"] == 6.0


def test_a_missing_column_is_named_beside_those_there(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("invoice_no,price\n1,2\n")
    with pytest.raises(InputError, match=r"no column .*'unit_price'.* it has 'invoice_no', 'price'"):
        records(tmp_path / "t.csv", "online_retail")


def test_personal_cells_that_the_mapping_does_not_name_are_not_kept_with_a_refused_row(tmp_path: Path) -> None:
    (tmp_path / "clicks.toml").write_text(CLICKS)
    (tmp_path / "clicks.csv").write_text("time,visitor,item,action,marketing,phone\nnever,7,i,view,,555\nx,y,z,555\n")
    first, second = records(tmp_path / "clicks.csv", str(tmp_path / "clicks.toml"))
    assert first.refusal is not None
    assert second.refusal is not None
    assert first.original == (("time", "visitor", "item", "action", "marketing"), ("never", "7", "i", "view", ""))
    assert second.original == (("line", "cells"), (3, 4))
