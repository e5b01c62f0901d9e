"""Shopify's exports, with the headers of its admin."""

import json
from pathlib import Path

import pandas
import pytest

from contracts import columns as c
from pipelines.features.orders import VALUE, orders
from pipelines.ingest.files import open_files
from pipelines.ingest.ingest import ingest
from pipelines.ingest.readers.formats.format import Terms
from pipelines.ingest.report import IngestReport
from pipelines.warehouse import views
from tests.pipelines.ingest.readers.formats.written import export_text, variants
from tests.pipelines.wire import NOW, rows, settings_in, warehouse_in


def line(name: str, email: str, sku: str, quantity: str, price: str, **of_order: str) -> dict[str, str]:
    """A line of an order; what holds for the order stands in the first."""
    cells = {"Name": name, "Email": email, "Created at": "2025-05-01 10:00:00 -0400", "Vendor": "Acme"}
    cells |= {"Lineitem quantity": quantity, "Lineitem price": price, "Lineitem name": f"Item {sku} – größe"}
    return cells | {"Lineitem sku": sku} | {key.replace("_", " "): text for key, text in of_order.items()}


def first(number: str, state: str, **more: str) -> dict[str, str]:
    personal = {"Billing Name": "Ann Secret", "Billing Phone": "555-canary", "Notes": "at the\nback-canary"}
    return personal | {"Financial_Status": state, "Currency": "EUR", "Id": number, "Shipping_Country": "DE"} | more


ORDERS = [
    line("#1", "Ann@example.com", "F1", "2", "10.00", **first("901", "paid", Discount_Amount="5.00", Shipping="4.00")),
    line("#1", "Ann@example.com", "", "3", "6.00"),
    line("#2", "bob@example.com", "H1", "1", "40.00", **first("902", "refunded", Refunded_Amount="60.00")),
    line("#2", "bob@example.com", "C1", "1", "20.00"),
    line("#3", "cy@example.com", "H1", "2", "50.00", **first("903", "partially_refunded", Refunded_Amount="20.00")),
    line("#4", "", "C1", "1", "1,005.00", **first("904", "paid")),
    line("#5", "dee@example.com", "C1", "1", "5.00", **first("905", "paid", Cancelled_at="2025-05-06 10:00:00 -0400")),
]
EXPECTED = [
    ("ann@example.com", "901", 33.0),
    ("anonymous:order-#4", "904", 1005.0),
    ("cy@example.com", "903", 80.0),
]


def stored(home: Path, *files: tuple[str, bytes]) -> IngestReport:
    for name, content in files:
        (home / name).write_bytes(content)
    return ingest(settings_in(home), [home / name for name, _ in files], now=NOW)


def events_in(path: Path, content: bytes) -> list[bytes]:
    """The events of a file, which must all be accepted."""
    path.write_bytes(content)
    ((_, export),) = open_files([path], None, None, Terms(NOW)).events
    found = [record for block in export.blocks for record in block]
    assert [record.refusal for record in found if record.refusal] == []
    return [record.raw for record in found]


def orders_of(home: Path) -> list[tuple[object, ...]]:
    return rows(orders(views.events(warehouse_in(home)), NOW), c.CUSTOMER_ID, c.ORDER_ID, VALUE)


def test_orders_are_what_the_shop_sold_and_nothing_personal_is_kept(tmp_path: Path) -> None:
    bad = line("#6", "eve@example.com", "C1", "1", "12,50", **first("906", "paid"))
    report = stored(tmp_path, ("orders_export_1.csv", export_text("shopify_orders", [*ORDERS, bad]).encode()))
    assert report.recognized[0].format == "shopify_orders"
    assert report.total.quarantined == {"bad_amount": 1}
    assert orders_of(tmp_path) == EXPECTED
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.suffix != ".csv" and path.is_file())
    kept = str([*rows(warehouse_in(tmp_path).lines()), *rows(warehouse_in(tmp_path).quarantine())])
    assert "eve@example.com" in kept  # control: the quarantine is looked at
    for word in ("canary", "Ann Secret"):
        assert word not in kept
        assert word.encode() not in everything


def test_an_export_of_later_adds_what_is_new_and_of_two_refunds_the_larger_one_counts(tmp_path: Path) -> None:
    """Also where it is ingested first."""
    other = line("#7", "flo@example.com", "H1", "1", "50.00", **first("907", "partially_refunded"))
    earlier = [*ORDERS[:2], ORDERS[4] | {"Refunded Amount": "5.00"}, other | {"Refunded Amount": "30.00"}]
    stored(tmp_path, ("1.csv", export_text("shopify_orders", earlier).encode()))
    shipped = ORDERS[0] | {"Fulfillment Status": "fulfilled", "Tags": "vip"}
    later = [shipped, *ORDERS[1:], other | {"Refunded Amount": "10.00"}]
    report = stored(tmp_path, ("2.csv", export_text("shopify_orders", later).encode()))
    assert report.total.duplicate == 6  # four lines; of each refund one
    assert orders_of(tmp_path) == [*EXPECTED, ("flo@example.com", "907", 20.0)]


@pytest.mark.parametrize("variant", variants("shopify_orders", ORDERS))
def test_other_programs_write_the_same_orders(tmp_path: Path, variant: str) -> None:
    told = {name: events_in(tmp_path / "o.csv", text) for name, text in variants("shopify_orders", ORDERS).items()}
    assert len(told["as it is"]) == 10
    assert told[variant] == told["as it is"]


def test_what_was_given_back_is_told_beside_the_sale(tmp_path: Path) -> None:
    events = [json.loads(raw) for raw in events_in(tmp_path / "o.csv", export_text("shopify_orders", ORDERS).encode())]
    back = [(event["event"], event["properties"]) for event in events if event["event"] != "Order Completed"]
    assert back == [
        ("Order Refunded", {"order_id": "902"}),
        ("Order Refunded", {"order_id": "903", "revenue": 20.0, "currency": "EUR"}),
        ("Order Cancelled", {"order_id": "905"}),
    ]


def test_a_typed_copy_of_the_export_means_the_same(tmp_path: Path) -> None:
    """As pandas writes it: ids are numbers, and what is missing is NaN."""
    text = export_text("shopify_orders", ORDERS)
    (tmp_path / "o.csv").write_text(text)
    frame = pandas.read_csv(tmp_path / "o.csv")
    assert frame["Id"].dtype == float
    frame.to_parquet(tmp_path / "o.parquet")
    told = events_in(tmp_path / "o.csv", text.encode())
    typed = events_in(tmp_path / "o.parquet", (tmp_path / "o.parquet").read_bytes())
    assert [_essence(raw) for raw in typed] == [_essence(raw) for raw in told]


def _essence(raw: bytes) -> tuple[object, ...]:
    event = json.loads(raw)
    properties = event["properties"]
    numbers = [float(properties[name]) for name in ("price", "quantity", "revenue") if name in properties]
    return event["messageId"], event["event"], event["userId"], properties["order_id"], properties.get("sku"), *numbers
