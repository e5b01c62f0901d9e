"""A marketer's figures by month and channel, and what becomes of each month's new customers.

Months are those of UTC. Orders are those of `pipelines.features.orders`: refunds and cancellations known by `as_of`
lower the figures of the month in which the order was placed. Guests count, each device as a customer. Customers count
whatever their consent to personalization: the figures are sums over the whole store and describe no person.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import ibis
from ibis import Value

from contracts import columns as c
from contracts.events.names import ORDER_COMPLETED, ORDER_UPDATED
from contracts.time_units import SECONDS_PER_DAY
from pipelines.features.order_statements import ORDERED_AT
from pipelines.features.orders import VALUE, orders

MONTH: Final = "month"
IS_COMPLETE: Final = "is_complete"
AVERAGE_ORDER_VALUE: Final = "average_order_value"
CUSTOMERS: Final = "customers"
NEW_CUSTOMERS: Final = "new_customers"
REPEAT_CUSTOMERS: Final = "repeat_customers"
REPEAT_RATE: Final = "repeat_rate"
REVENUE_PER_CUSTOMER: Final = "revenue_per_customer"
LAPSED_CUSTOMERS: Final = "lapsed_customers"
CHURNED_VALUE: Final = "churned_value"
COHORT_MONTH: Final = "cohort_month"
MONTHS_SINCE: Final = "months_since"
ACTIVE: Final = "active"
RETENTION: Final = "retention"

ALL_CHANNELS: Final = "all"
NO_CHANNEL: Final = "direct or unknown"
CHURNED_DAYS: Final = 365  # before a customer's last order, whose spending is what is lost with them
MONTHS: Final = 12  # a year's
_FACT: Final = (MONTH, c.CHANNEL, c.CUSTOMER_ID, "is_order", "is_first", "is_repeat", "is_loss", VALUE)


def kpis(events: ibis.Table, as_of: datetime, lapse_days: int | None) -> ibis.Table:
    """One row per month and channel with an order or a loss, and one of all channels for every month, sorted.

    Columns: month (its first day), channel, is_complete, orders, revenue, average_order_value, customers,
    new_customers, repeat_customers, repeat_rate, revenue_per_customer, lapsed_customers, churned_value.

    A repeat customer ordered on a later day than their first. A customer becomes lapsed, as often as it happens, when
    they have not ordered for `lapse_days`; their churned value is what they spent in the year up to their last order,
    in that order's channel. Both are null where `lapse_days` is None. Rates with nothing to divide by are null.
    """
    placed = _placed(events, as_of)
    facts = ibis.union(_sales(placed), _every_month(placed, as_of))
    if lapse_days is not None:
        facts = ibis.union(facts, _losses(placed, as_of, lapse_days))
    everywhere = facts.mutate(ibis.literal(ALL_CHANNELS).name(c.CHANNEL))
    both = ibis.union(facts.filter(facts[c.CHANNEL] != ALL_CHANNELS), everywhere)
    return _figures(both, as_of, lapse_days is not None).order_by(MONTH, c.CHANNEL)


def cohorts(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """One row per month of first orders and month since, up to that of `as_of`, sorted.

    Columns: cohort_month (its first day), months_since, is_complete (that later month), customers (of the cohort),
    active (how many of them ordered), retention (their share) and revenue.
    """
    placed = _placed(events, as_of).mutate(cohort=lambda t: t[MONTH].min().over(ibis.window(group_by=c.CUSTOMER_ID)))
    sizes = placed.group_by("cohort").agg(placed[c.CUSTOMER_ID].nunique().name(CUSTOMERS))
    months = ibis.range(sizes.cohort, ibis.literal(_last_month(as_of) + 1)).unnest()
    grid = sizes.mutate(later=months)
    active_customers = placed.group_by("cohort", later=placed[MONTH]).agg(
        placed[c.CUSTOMER_ID].nunique().name(ACTIVE), placed[VALUE].sum().round(2).name(c.REVENUE)
    )
    cells = grid.left_join(active_customers, ["cohort", "later"]).drop("cohort_right", "later_right")
    active = cells[ACTIVE].coalesce(0)
    return cells.select(
        _first_day(cells.cohort).name(COHORT_MONTH),
        (cells.later - cells.cohort).cast("int32").name(MONTHS_SINCE),
        (cells.later < _month_number(as_of)).name(IS_COMPLETE),
        CUSTOMERS,
        active.name(ACTIVE),
        (active / cells[CUSTOMERS]).round(4).name(RETENTION),
        cells[c.REVENUE].coalesce(0.0).name(c.REVENUE),
    ).order_by(COHORT_MONTH, MONTHS_SINCE)


def _placed(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """Orders that stand, with the number of their month and of their day, and the channel that they came through."""
    tells = events[c.EVENT].isin((ORDER_COMPLETED, ORDER_UPDATED))
    told = events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of), tells)
    channels = told.group_by(c.ORDER_ID).agg(told[c.CHANNEL].max().name(c.CHANNEL))
    placed = orders(events, as_of).left_join(channels, c.ORDER_ID)
    channel = placed[c.CHANNEL].coalesce(NO_CHANNEL)
    # A channel that a store calls "all" must not be taken for their sum.
    channel = ibis.ifelse(channel == ALL_CHANNELS, f"{ALL_CHANNELS} (as sent)", channel)
    day = (placed[ORDERED_AT].epoch_seconds() // SECONDS_PER_DAY).cast("int64")
    return placed.select(
        c.CUSTOMER_ID, c.ORDER_ID, ORDERED_AT, VALUE, channel.name(c.CHANNEL), day.name(c.DAY), _month(day).name(MONTH)
    )


def _sales(placed: ibis.Table) -> ibis.Table:
    """The orders as facts."""
    own = ibis.window(group_by=c.CUSTOMER_ID)
    number = ibis.row_number().over(ibis.window(group_by=c.CUSTOMER_ID, order_by=[ORDERED_AT, c.ORDER_ID]))
    return placed.mutate(
        is_order=ibis.literal(True),
        is_first=number == 0,
        is_repeat=placed[c.DAY] > placed[c.DAY].min().over(own),
        is_loss=ibis.literal(False),
    ).select(*_FACT)


def _losses(placed: ibis.Table, as_of: datetime, lapse_days: int) -> ibis.Table:
    """The moments at which customers became lapsed, as facts, with what they spent in the year up to then."""
    by_time = ibis.window(group_by=c.CUSTOMER_ID, order_by=[ORDERED_AT, c.ORDER_ID])
    year = ibis.range_window(preceding=CHURNED_DAYS, following=0, group_by=c.CUSTOMER_ID, order_by=c.DAY)
    at = placed[ORDERED_AT].epoch_seconds()
    silent = placed.mutate(
        lapse_at=at + lapse_days * SECONDS_PER_DAY,
        next_at=at.lead().over(by_time),
        spent=placed[VALUE].sum().over(year),
    )
    is_lost = (silent.lapse_at < as_of.timestamp()) & (silent.next_at.isnull() | (silent.next_at >= silent.lapse_at))
    lost = silent.filter(is_lost)
    lapse_day = (lost.lapse_at // SECONDS_PER_DAY).cast("int64")
    false = ibis.literal(False)
    return lost.mutate(
        _month(lapse_day).name(MONTH),
        lost.spent.name(VALUE),
        is_order=false,
        is_first=false,
        is_repeat=false,
        is_loss=ibis.literal(True),
    ).select(*_FACT)


def _every_month(placed: ibis.Table, as_of: datetime) -> ibis.Table:
    """A fact of nothing for each month from the first order on, so that a month without orders is not left out."""
    first = placed.agg(first=placed[MONTH].min()).filter(lambda t: t["first"].notnull())
    months = first.select(ibis.range(first["first"], ibis.literal(_last_month(as_of) + 1)).unnest().name(MONTH))
    false = ibis.literal(False)
    return months.mutate(
        ibis.literal(ALL_CHANNELS).name(c.CHANNEL),
        ibis.null("string").name(c.CUSTOMER_ID),
        ibis.literal(0.0).name(VALUE),
        is_order=false,
        is_first=false,
        is_repeat=false,
        is_loss=false,
    ).select(*_FACT)


def _figures(facts: ibis.Table, as_of: datetime, knows_losses: bool) -> ibis.Table:
    customer, value = facts[c.CUSTOMER_ID], facts[VALUE]
    sums = facts.group_by(MONTH, c.CHANNEL).agg(
        facts.count(where=facts.is_order).name(c.ORDERS),
        value.sum(where=facts.is_order).coalesce(0.0).round(2).name(c.REVENUE),
        customer.nunique(where=facts.is_order).name(CUSTOMERS),
        facts.count(where=facts.is_first).name(NEW_CUSTOMERS),
        customer.nunique(where=facts.is_repeat).name(REPEAT_CUSTOMERS),
        facts.count(where=facts.is_loss).name(LAPSED_CUSTOMERS),
        value.sum(where=facts.is_loss).coalesce(0.0).round(2).name(CHURNED_VALUE),
    )
    buyers = sums[CUSTOMERS].nullif(0)
    return sums.select(
        _first_day(sums[MONTH]).name(MONTH),
        c.CHANNEL,
        (sums[MONTH] < _month_number(as_of)).name(IS_COMPLETE),
        c.ORDERS,
        c.REVENUE,
        (sums[c.REVENUE] / sums[c.ORDERS].nullif(0)).round(2).name(AVERAGE_ORDER_VALUE),
        CUSTOMERS,
        NEW_CUSTOMERS,
        REPEAT_CUSTOMERS,
        (sums[REPEAT_CUSTOMERS] / buyers).round(4).name(REPEAT_RATE),
        (sums[c.REVENUE] / buyers).round(2).name(REVENUE_PER_CUSTOMER),
        *(ibis.ifelse(knows_losses, sums[name], None).name(name) for name in (LAPSED_CUSTOMERS, CHURNED_VALUE)),
    )


def _month(day: Value) -> Value:
    """The number of a UTC day's month, counted from year 0; by dates, which have no time zone."""
    date = (ibis.date(1970, 1, 1) + day.as_interval("D")).cast("date")
    return (date.year() * MONTHS + date.month() - 1).cast("int64")


def _first_day(month: Value) -> Value:
    """The date of the first day of a month that is given by its number."""
    return ibis.date((month // MONTHS).cast("int32"), (month % MONTHS + 1).cast("int32"), 1)


def _month_number(at: datetime) -> int:
    in_utc = at.astimezone(UTC)
    return in_utc.year * MONTHS + in_utc.month - 1


def _last_month(as_of: datetime) -> int:
    """The month of the last instant before `as_of`."""
    return _month_number(as_of - timedelta(microseconds=1))
