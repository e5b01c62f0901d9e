"""One small shop's orders, in each export that has lines of orders, are the orders of its events."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts import columns as c
from pipelines.features.orders import ORDERED_AT, VALUE, orders
from pipelines.ingest.ingest import ingest
from pipelines.warehouse import views
from tests.pipelines.ingest.readers.formats.written import export_text
from tests.pipelines.wire import NOW, START, rows, settings_in, warehouse_in, write_events

Cells = list[dict[str, str]]


@dataclass(frozen=True)
class Order:
    """An order as the shop knows it; `refunded` of it was given back, or all where it was undone."""

    number: int
    email: str
    at: datetime
    lines: list[tuple[str, int, float]]  # sku, units, price
    discount: float
    refunded: float
    state: str  # paid | partially_refunded | refunded | cancelled


def shop(count: int) -> list[Order]:
    random_ = random.Random(count)
    placed = []
    for number in range(1, count + 1):  # 0 is no id
        skus = random_.sample(["tea", "cup", "pot", "kettle"], random_.randint(1, 4))
        lines = [(sku, random_.randint(1, 3), random_.randrange(400, 200_000) / 100) for sku in skus]
        state = random_.choice(["paid", "paid", "partially_refunded", "refunded", "cancelled"])
        discount = random_.choice([0.0, 1.5])
        refunded = 1.25 if state == "partially_refunded" else 0.0
        at = START + timedelta(hours=7 * number)
        placed.append(Order(number, f"u{random_.randrange(9)}@example.com", at, lines, discount, refunded, state))
    return placed


def as_events(path: Path, placed: list[Order]) -> Path:
    events: list[dict[str, Any]] = []
    for order in placed:
        head = {"type": "track", "timestamp": order.at.isoformat(), "userId": order.email}
        products = [{"sku": sku, "quantity": units, "price": price} for sku, units, price in order.lines]
        properties = {"order_id": str(order.number), "currency": "EUR", "discount": order.discount}
        events.append(head | {"event": "Order Completed", "properties": properties | {"products": products}})
        undone = {"refunded": "Order Refunded", "cancelled": "Order Cancelled", "partially_refunded": "Order Refunded"}
        if order.state in undone:
            back = {"order_id": str(order.number)} | ({"revenue": order.refunded} if order.refunded else {})
            events.append(head | {"event": undone[order.state], "properties": back})
    named = ({"messageId": str(place)} | event for place, event in enumerate(events))
    return write_events(path, named)


def as_shopify(path: Path, placed: list[Order]) -> Path:
    written: Cells = []
    for order in placed:
        of_order = {
            "Financial Status": "paid" if order.state == "cancelled" else order.state,
            "Cancelled at": f"{order.at:%Y-%m-%d %H:%M:%S %z}" if order.state == "cancelled" else "",
            "Refunded Amount": f"{order.refunded:.2f}",
            "Discount Amount": f"{order.discount:.2f}",
            "Currency": "EUR",
        }
        for place, (sku, units, price) in enumerate(order.lines):
            line = {"Name": f"#{order.number}", "Email": order.email.title() if place else order.email}
            line |= {
                "Created at": f"{order.at:%Y-%m-%d %H:%M:%S %z}",
                "Lineitem sku": sku,
                "Lineitem name": sku.title(),
            }
            line |= {"Lineitem quantity": str(units), "Lineitem price": f"{price:.2f}", "Lineitem name": sku.title()}
            written.append(line | (of_order if place == 0 else {}))
    path.write_text(export_text("shopify_orders", written))
    return path


def as_woocommerce(path: Path, placed: list[Order]) -> Path:
    states = {"paid": "Completed", "partially_refunded": "Completed", "refunded": "Refunded", "cancelled": "Cancelled"}
    written: Cells = []
    for order in placed:
        of_order = {
            "Order Number": str(order.number),
            "Order Status": states[order.state],
            "Order Date": f"{order.at:%Y-%m-%d %H:%M}",
            "Email (Billing)": order.email,
            "Cart Discount Amount": f"{order.discount:.2f}".replace(".", ","),
            "Order Refund Amount": f"{order.refunded:.2f}".replace(".", ","),
        }
        for sku, units, price in order.lines:
            amount = f"{price:,.2f}".translate(str.maketrans(",.", ".,"))
            line = {"SKU": sku, "Name": sku.title(), "Quantity": str(units), "Item Cost": amount}
            written.append(of_order | line)
    path.write_text(export_text("woocommerce_order_export", written))
    return path


def counted(home: Path, file: Path) -> list[tuple[Any, ...]]:
    report = ingest(settings_in(home), [file], now=NOW)
    assert report.total.quarantined == {}
    found = orders(views.events(warehouse_in(home)), NOW)
    shown = rows(found, c.CUSTOMER_ID, ORDERED_AT, c.UNITS, VALUE)
    return [(customer, at, units, round(value, 6)) for customer, at, units, value in shown]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    home = tmp_path_factory.mktemp("events")
    return counted(home, as_events(home / "e.jsonl", shop(60)))


@pytest.mark.parametrize("write", [as_shopify, as_woocommerce])
def test_an_export_has_the_orders_of_the_events(tmp_path: Path, expected: list[Any], write: Any) -> None:
    placed = shop(60)
    assert counted(tmp_path, write(tmp_path / "o.csv", placed)) == expected
    kept = [order for order in placed if order.state in ("paid", "partially_refunded")]
    assert len(expected) == len(kept)  # control: some are undone
    assert 0 < len(kept) < len(placed)
