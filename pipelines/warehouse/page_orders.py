"""Orders that only a page has told: anybody can send them with the key that is in the page.

Where the shop's server or its files tell orders, too, an order, a refund or a cancellation of a page counts once a
trusted source has told an order of that id. Until then it is stored, and nobody reads it. A shop that has nothing but
its page accepts what the page says, or states in the settings what it wants.
"""

from typing import Final

import ibis
from ibis import Value

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED
from contracts.logs.sources import PAGE
from contracts.settings import PageOrders
from pipelines.warehouse.warehouse import Warehouse

_OF_ORDERS: Final = (ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED)


def unconfirmed(lines: ibis.Table, policy: PageOrders) -> ibis.Table:
    """The rows of pages that tell of orders, and that do not count: message_id, order_id."""
    of_orders = lines.filter(lines[c.EVENT].isin(_OF_ORDERS))
    of_page = of_orders.filter(_is_of_page(of_orders)).select(c.MESSAGE_ID, c.ORDER_ID)
    if policy == "accepted":
        return of_page.filter(False)
    tells = of_orders[c.EVENT].isin((ORDER_COMPLETED, ORDER_UPDATED)) & ~_is_of_page(of_orders)
    confirmed = of_orders.filter(tells, of_orders[c.ORDER_ID].notnull()).select(c.ORDER_ID).distinct()
    found = of_page.anti_join(confirmed, c.ORDER_ID)
    return found if policy == "confirmed" else found.filter(confirmed.count().as_scalar() > 0)


def without_unconfirmed(warehouse: Warehouse, lines: ibis.Table) -> ibis.Table:
    """The lines that count; see `unconfirmed`."""
    if not _has_any(lines):
        return lines
    left_out = warehouse.cache(unconfirmed(lines, warehouse.page_orders).select(c.MESSAGE_ID).distinct())
    if not left_out.count().to_pyarrow().as_py():
        return lines
    # A server's event may have the message id of a page's.
    return lines.filter(~(lines[c.MESSAGE_ID].isin(left_out[c.MESSAGE_ID]) & _is_of_page(lines)))


def unconfirmed_note(lines: ibis.Table, policy: PageOrders) -> list[str]:
    """A sentence about the orders that do not count; none where all do."""
    if not _has_any(lines):
        return []
    orders = unconfirmed(lines, policy)[c.ORDER_ID].nunique().to_pyarrow().as_py()
    if not orders:
        return []
    return [
        f"{orders:,} orders that only a page key has told are stored, and do not count until a server key or a file "
        "tells them, too. If your pages tell orders and nobody else does, set page_orders = 'accepted'."
    ]


def _has_any(lines: ibis.Table) -> bool:
    """Whether a page has told of any order; that is quick to see."""
    found = lines.filter(_is_of_page(lines), lines[c.EVENT].isin(_OF_ORDERS)).select(c.ORDER_ID).limit(1)
    return bool(found.to_pyarrow().num_rows)


def _is_of_page(lines: ibis.Table) -> Value:
    return lines[c.SOURCE].startswith(PAGE)
