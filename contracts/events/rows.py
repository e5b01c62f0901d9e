"""Events as rows of the table in which they are stored."""

import math
from datetime import datetime
from typing import Any, Final

from contracts.events.ids import id_text, item_of
from contracts.events.parse import Event
from contracts.events.spec import Campaign, Context, Product, Properties, ScreenEvent

EventRow = tuple[Any, ...]  # the columns of `columns.EVENT_LINES`, in their order

_NO_CONTEXT: Final = Context()
_NO_PROPERTIES: Final = Properties()
_NO_CAMPAIGN: Final = Campaign()


def event_rows(event: Event, received_at: datetime, source: str) -> list[EventRow]:
    """The event as rows of `columns.EVENT_LINES`: one per product, or one without an item."""
    # Rows are plain tuples: with named fields this function, which runs for every event, would take 60 % longer.
    wire = event.wire
    context = wire.context or _NO_CONTEXT
    properties = getattr(wire, "properties", None) or _NO_PROPERTIES
    campaign = context.campaign or _NO_CAMPAIGN
    head = (
        "page" if isinstance(wire, ScreenEvent) else wire.__struct_config__.tag,
        event.name,
        event.occurred_at,
        received_at,
        source,
        event.anonymous_id,
        event.user_id,
        event.previous_id,
        id_text(context.session_id) or id_text(properties.session_id),
        properties.channel or campaign.medium or campaign.source,
        context.location.country if context.location else None,
        context.device.type if context.device else None,
        id_text(properties.order_id) or id_text(properties.orderId),
        properties.currency,
        _revenue(properties),
        properties.discount,
        (properties.shipping or 0.0) + (properties.tax or 0.0),
        properties.coupon,
        properties.query,
        properties.path or (context.page.path if context.page else None),
    )
    tail = (*event.consent, event.traits)
    if not event.products:
        return [(event.message_id, 0, *head, None, None, None, None, None, None, *tail)]
    return [
        (event.message_id, line, *head, *_product_columns(product), *tail)
        for line, product in enumerate(event.products)
    ]


def _revenue(properties: Properties) -> float | None:
    """The money for goods: the revenue, which has neither shipping nor tax, or the total less both."""
    if properties.revenue is not None or properties.total is None:
        return properties.revenue
    fees = min(abs(properties.shipping or 0.0) + abs(properties.tax or 0.0), abs(properties.total))
    return properties.total - math.copysign(fees, properties.total)


def _product_columns(product: Product) -> tuple[Any, ...]:
    quantity = 1.0 if product.quantity is None else product.quantity
    return item_of(product), quantity, product.price, product.name, product.category, product.brand
