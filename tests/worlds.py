"""Small worlds with knowable answers, as tables in the shape that feature functions receive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from contracts import columns as c
from contracts.customer_id import ANONYMOUS_PREFIX

DAY_ZERO = datetime(2025, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """The instant `number` days after the first day of 2025."""
    return DAY_ZERO + timedelta(days=number)


def events_table(rows: list[dict[str, Any]]) -> pa.Table:
    """`columns.EVENTS` from sparse rows; what a row leaves out is null or a harmless default."""
    filled = [_filled(number, row) for number, row in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=c.EVENTS)


def order(
    customer_id: str, at: float, items: dict[str, float], price: float = 10.0, **more: Any
) -> list[dict[str, Any]]:
    """The lines of one completed order, `at` days after the start; `items` maps item to quantity."""
    order_id = more.pop("order_id", f"order-{customer_id}-{at}")
    return [
        {
            c.MESSAGE_ID: order_id,
            c.LINE: line,
            c.EVENT: "Order Completed",
            c.OCCURRED_AT: day(at),
            c.CUSTOMER_ID: customer_id,
            c.ORDER_ID: order_id,
            c.ITEM_ID: item_id,
            c.QUANTITY: float(quantity),
            c.PRICE: price,
            **more,
        }
        for line, (item_id, quantity) in enumerate(items.items())
    ]


def view(customer_id: str, at: float, item_id: str, event: str = "Product Viewed", **more: Any) -> dict[str, Any]:
    """One product view (or another event about one item), `at` days after the start."""
    return {
        c.MESSAGE_ID: f"{event}-{customer_id}-{at}-{item_id}",
        c.EVENT: event,
        c.OCCURRED_AT: day(at),
        c.CUSTOMER_ID: customer_id,
        c.ITEM_ID: item_id,
        c.QUANTITY: 1.0,
        **more,
    }


def _filled(number: int, row: dict[str, Any]) -> dict[str, Any]:
    is_known, refuses = row.get(c.IS_KNOWN, True), not row.get(c.ALLOWS_PERSONALIZATION, True)
    defaults = {
        c.MESSAGE_ID: f"message-{number}",
        c.LINE: 0,
        c.TYPE: "track",
        c.RECEIVED_AT: row[c.OCCURRED_AT],
        c.SOURCE: "test",
        c.USER_ID: row[c.CUSTOMER_ID] if is_known else None,
        c.ANONYMOUS_ID: None if is_known else row[c.CUSTOMER_ID].removeprefix(ANONYMOUS_PREFIX),
        c.CONSENT_PERSONALIZATION: False if refuses else None,
        c.IS_KNOWN: True,
        c.ALLOWS_PERSONALIZATION: True,
    }
    return dict.fromkeys(c.EVENTS.names) | defaults | row
