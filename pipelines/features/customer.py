"""What is known about each customer at a point in time: numbers for models, and the facts of the customers' table.

Sums that models see are of whole days, counts or cents, so that they do not depend on the order of summation and a
model trained twice is the same model.
"""

from typing import Final

import ibis
from ibis import Value

from contracts import columns as c
from contracts.events.names import (
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    ORDER_UPDATED,
    PRODUCT_ADDED,
    PRODUCT_CLICKED,
    PRODUCT_VIEWED,
)
from contracts.time_units import SECONDS_PER_DAY
from pipelines.features.as_of import AsOf, seconds_since_1970, timestamp
from pipelines.features.order_statements import ORDERED_AT, VALUE_ORDERED
from pipelines.features.orders import (
    GAP_DAYS,
    ITEMS,
    VALUE,
    consenting,
    order_gaps,
    order_lines,
    orders_of_lines,
    unlinked_refunds,
)

ORDER_WINDOWS_DAYS: Final = (30, 90, 180, 365)
VISIT_WINDOWS_DAYS: Final = (30, 90)

# What `customer_features` reads; a caller that asks for several points in time may keep just these at hand.
INPUT_COLUMNS: Final = (
    c.MESSAGE_ID,
    c.LINE,
    c.EVENT,
    c.OCCURRED_AT,
    c.RECEIVED_AT,
    c.SOURCE,
    c.ORDER_ID,
    c.REVENUE,
    c.DISCOUNT,
    c.ITEM_ID,
    c.QUANTITY,
    c.PRICE,
    c.CUSTOMER_ID,
    c.IS_KNOWN,
    c.ALLOWS_PERSONALIZATION,
)
_VISITS: Final = (PRODUCT_VIEWED, PRODUCT_CLICKED, PRODUCT_ADDED)
ORDER_EVENTS: Final = (ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED)
INPUT_EVENTS: Final = (*ORDER_EVENTS, *_VISITS)


def customer_input(events: ibis.Table) -> ibis.Table:
    """The part of the events that `customer_features` looks at: INPUT_COLUMNS of known, consenting customers.

    What concerns an order is kept from any sender: all that was said of it tells whose order it is, and what it has.
    """
    is_ours = events[c.IS_KNOWN] & events[c.ALLOWS_PERSONALIZATION] & events[c.EVENT].isin(_VISITS)
    return events.filter(is_ours | events[c.EVENT].isin(ORDER_EVENTS)).select(*INPUT_COLUMNS)


def customer_features(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """One row per known customer who allows personalization and has an order before `as_of`.

    Columns: customer_id, then numbers; times in days, money in the store's currency. A number that does not exist
    (the gap between the orders of somebody who ordered once) is null.
    """
    relevant = customer_input(events)
    lines = order_lines(relevant, as_of)
    placed = consenting(orders_of_lines(lines))
    bought = _bought(placed, as_of)
    parts = (
        _gaps(placed),
        _kept(lines, unlinked_refunds(relevant, lines, as_of)),
        _visited(relevant, as_of),
    )
    features = bought
    for part in parts:
        features = features.left_join(part, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    return _derived(features)


def customer_base(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """One row of facts per known customer, also of those without orders or consent.

    Columns: customer_id, first_order_at, last_order_at, orders, revenue; country, channel and device are the latest
    that an event states. Refunds without a known order also reduce the revenue.
    """
    past = events.filter(events[c.OCCURRED_AT] < timestamp(as_of), events[c.IS_KNOWN])
    lines = order_lines(events, as_of)
    placed = orders_of_lines(lines)
    totals = placed.group_by(c.CUSTOMER_ID).agg(
        placed[ORDERED_AT].min().name(c.FIRST_ORDER_AT),
        placed[ORDERED_AT].max().name(c.LAST_ORDER_AT),
        placed.count().name(c.ORDERS),
        placed[VALUE].sum().name("bought"),
    )
    refunds = unlinked_refunds(events, lines, as_of).rename(refunded=VALUE)
    everyone = _latest(past, (c.COUNTRY, c.CHANNEL, c.DEVICE))
    joined = everyone.left_join(totals, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    joined = joined.left_join(refunds, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    return joined.select(
        c.CUSTOMER_ID,
        c.FIRST_ORDER_AT,
        c.LAST_ORDER_AT,
        joined[c.ORDERS].coalesce(0).name(c.ORDERS),
        (joined.bought.coalesce(0.0) - joined.refunded.coalesce(0.0)).round(2).name(c.REVENUE),
        c.COUNTRY,
        c.CHANNEL,
        c.DEVICE,
    )


def _bought(placed: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Orders and money, in all and of late."""
    age = _days_before(placed[ORDERED_AT], as_of)
    recent = {f"orders_{days}d": placed.count(where=age <= days) for days in ORDER_WINDOWS_DAYS}
    return placed.group_by(c.CUSTOMER_ID).agg(
        recency_days=age.min(),
        tenure_days=age.max(),
        orders=placed.count(),
        **recent,
        revenue=placed[VALUE].sum().round(2),
        revenue_365d=placed[VALUE].sum(where=age <= ORDER_WINDOWS_DAYS[-1]).coalesce(0.0).round(2),
        items_per_order=placed[ITEMS].sum() / placed.count(),
        units=placed[c.UNITS].sum().round(3),
        max_order_value=placed[VALUE].max(),
        **_first_and_last(placed),
    )


def _first_and_last(placed: ibis.Table) -> dict[str, Value]:
    """The value of the first order and of the last; of several at one instant, the one of the greatest id."""
    key = ibis.struct({"at": placed[ORDERED_AT], "id": placed[c.ORDER_ID]})
    return {"first_order_value": placed[VALUE].argmin(key), "last_order_value": placed[VALUE].argmax(key)}


def _gaps(placed: ibis.Table) -> ibis.Table:
    """The days between the days on which a customer ordered."""
    gaps = order_gaps(placed)
    gap = gaps[GAP_DAYS]
    return gaps.group_by(c.CUSTOMER_ID).agg(
        order_days=gaps.count(),
        gap_sum=gap.sum(),
        gap_squares=(gap * gap).sum(),
        min_gap_days=gap.min(),
        max_gap_days=gap.max(),
        last_gap_days=gap.argmax(gaps.day),
    )


def _kept(lines: ibis.Table, unlinked: ibis.Table) -> ibis.Table:
    """How many different items a customer bought, the share of revenue refunded, and refunds without a known order."""
    ordered = lines[VALUE_ORDERED].sum().round(2)
    kept = lines[VALUE].sum().round(2)
    bought = lines.group_by(c.CUSTOMER_ID).agg(
        items=lines[c.ITEM_ID].nunique(where=lines[ITEMS] > 0), ordered_value=ordered, kept_value=kept
    )
    refunds = unlinked.rename(unlinked=VALUE)
    joined = bought.left_join(refunds, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    returned = joined.ordered_value - joined.kept_value + joined.unlinked.coalesce(0.0)
    share = ibis.ifelse(joined.ordered_value > 0, ibis.least(returned / joined.ordered_value, 1.0), 0.0)
    return joined.select(c.CUSTOMER_ID, "items", refund_share=share, unlinked=joined.unlinked.coalesce(0.0))


def _visited(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """What a customer looked at and put into the cart of late, and when they were last seen."""
    past = events.filter(events[c.OCCURRED_AT] < timestamp(as_of), events[c.EVENT].isin(_VISITS))
    ever = past.group_by(c.CUSTOMER_ID).agg(last_visit_at=past[c.OCCURRED_AT].max())
    # Only what lies in a window is looked at closely: browsing is most of a store's events.
    late = past.filter(past[c.OCCURRED_AT] >= timestamp(as_of) - ibis.interval(hours=24 * max(VISIT_WINDOWS_DAYS)))
    age = _days_before(late[c.OCCURRED_AT], as_of)
    is_view, is_cart = late[c.EVENT].isin((PRODUCT_VIEWED, PRODUCT_CLICKED)), late[c.EVENT] == PRODUCT_ADDED
    counts: dict[str, Value] = {}
    for days in VISIT_WINDOWS_DAYS:
        counts[f"visit_days_{days}d"] = _day(late[c.OCCURRED_AT]).nunique(where=age <= days)
        counts[f"views_{days}d"] = late.count(where=is_view & (age <= days))
        counts[f"carts_{days}d"] = late.count(where=is_cart & (age <= days))
    recent = late.group_by(c.CUSTOMER_ID).agg(**counts)
    visited = ever.left_join(recent, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    return visited.mutate(visit_recency_days=_days_before(visited.last_visit_at, as_of)).drop("last_visit_at")


def _derived(features: ibis.Table) -> ibis.Table:
    """Ratios of the sums; the sums themselves are dropped."""
    gaps = (features.order_days - 1).nullif(0)
    mean = features.gap_sum / gaps
    variance = (features.gap_squares / gaps - mean * mean).abs()  # rounding may leave it just below 0
    counts = [name for name in features.columns if name.startswith(("visit_days_", "views_", "carts_"))]
    seen = features.mutate(**{name: features[name].coalesce(0) for name in counts})
    month_share = VISIT_WINDOWS_DAYS[0] / VISIT_WINDOWS_DAYS[1]
    revenue = ibis.greatest(features.revenue - features.unlinked, 0.0).round(2)
    return seen.mutate(
        revenue=revenue,
        mean_gap_days=mean,
        std_gap_days=variance.sqrt(),
        gap_ratio=features.recency_days / mean,
        longest_gap_ratio=features.recency_days / features.max_gap_days,
        silent_share=features.recency_days / features.tenure_days.nullif(0),
        average_order_value=revenue / features.orders,
        units_per_order=features.units / features.orders,
        unit_price=revenue / features.units.nullif(0),
        visit_trend_days=seen.visit_days_30d - month_share * seen.visit_days_90d,
    ).drop("gap_sum", "gap_squares", "unlinked")


def _latest(past: ibis.Table, names: tuple[str, ...]) -> ibis.Table:
    """Per customer the latest value of each column that is not null; of several at one instant, the greatest."""
    instants = past.group_by(c.CUSTOMER_ID, c.OCCURRED_AT).agg(**{name: past[name].max() for name in names})
    at = instants[c.OCCURRED_AT]
    latest = {name: instants[name].argmax(at, where=instants[name].notnull()) for name in names}
    return instants.group_by(c.CUSTOMER_ID).agg(**latest)


def _days_before(at: Value, as_of: AsOf) -> Value:
    """Days from `at` to `as_of`, with fractions."""
    seconds = seconds_since_1970(as_of) - at.epoch_seconds()
    return ibis.greatest(seconds / SECONDS_PER_DAY, 0.0)


def _day(at: Value) -> Value:
    """The number of the UTC day."""
    return at.epoch_seconds() // SECONDS_PER_DAY
