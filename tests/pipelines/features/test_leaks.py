"""Every feature function goes through the leak test, and planted leaks must not."""

from datetime import datetime

import ibis
import pytest

from contracts import columns as c
from pipelines.features.customer import customer_base, customer_features
from pipelines.features.demand import channel_demand, daily_demand, order_countries
from pipelines.features.interactions import interactions
from pipelines.features.orders import order_lines, orders, unlinked_refunds
from pipelines.features.prices import daily_prices
from tests.pipelines.features.leaks import FeatureFunction, busy_world, computed, looks_ahead
from tests.worlds import day

FEATURE_FUNCTIONS: dict[str, FeatureFunction] = {
    "order_lines": order_lines,
    "orders": orders,
    "unlinked_refunds": lambda events, at: unlinked_refunds(events, order_lines(events, at), at),
    "customer_features": customer_features,
    "customer_base": customer_base,
    "interactions": interactions,
    "daily_demand": daily_demand,
    "channel_demand": channel_demand,
    "order_countries": order_countries,
    "daily_prices": daily_prices,
}

WORLD = busy_world(seed=1)
# In the middle, and at the very instant of an event: an event at `as_of` is not before it.
MOMENTS = {"middle": day(60.0), "at an event": sorted(WORLD[c.OCCURRED_AT].to_pylist())[200]}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", FEATURE_FUNCTIONS)
def test_features_look_at_nothing_at_or_after_as_of(name: str, moment: str) -> None:
    assert computed(FEATURE_FUNCTIONS[name], WORLD, MOMENTS[moment])
    assert not looks_ahead(FEATURE_FUNCTIONS[name], WORLD, MOMENTS[moment])


def _ignores_as_of(events: ibis.Table, as_of: datetime) -> ibis.Table:
    return events.group_by(c.CUSTOMER_ID).agg(lines=events.count())


def _includes_as_of(events: ibis.Table, as_of: datetime) -> ibis.Table:
    past = events.filter(events[c.OCCURRED_AT] <= ibis.literal(as_of))
    return past.group_by(c.CUSTOMER_ID).agg(lines=past.count())


def _measures_from_the_last_event(events: ibis.Table, as_of: datetime) -> ibis.Table:
    past = events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of))
    last = events.agg(last=events[c.OCCURRED_AT].max())
    joined = past.group_by(c.CUSTOMER_ID).agg(at=past[c.OCCURRED_AT].max()).cross_join(last)
    return joined.select(c.CUSTOMER_ID, days=(joined.last.epoch_seconds() - joined["at"].epoch_seconds()) // 86_400)


def _knows_later_refunds(events: ibis.Table, as_of: datetime) -> ibis.Table:
    placed = orders(events, day(1000))
    return placed.filter(placed.ordered_at < ibis.literal(as_of))


@pytest.mark.parametrize(
    ("planted", "moment"),
    [
        (_ignores_as_of, "middle"),
        (_includes_as_of, "at an event"),
        (_measures_from_the_last_event, "middle"),
        (_knows_later_refunds, "middle"),
    ],
)
def test_a_planted_leak_is_caught(planted: FeatureFunction, moment: str) -> None:
    assert looks_ahead(planted, WORLD, MOMENTS[moment])
