"""A prepared query gives at every cut-off what a query compiled for it gives, and nothing of another cut-off."""

from datetime import datetime

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from pipelines.features import prepared_query
from pipelines.features.as_of import AsOf, timestamp
from pipelines.features.customer import customer_features
from pipelines.features.order_statements import ORDERED_AT
from pipelines.features.orders import orders
from pipelines.features.prepared_query import PreparedQuery
from tests.pipelines.features.leaks import busy_world, computed, looks_ahead
from tests.worlds import day

WORLD = busy_world(seed=3)
AN_EVENT_AT = sorted(WORLD[c.OCCURRED_AT].to_pylist())[250]
# Not in order, and one twice: nothing of a cut-off may stay for the next.
CUT_OFFS = (day(60), day(110), day(20.123456), AN_EVENT_AT, day(60), day(-1))


@pytest.fixture(scope="module")
def events() -> ibis.Table:
    return ibis.memtable(WORLD).cache()


def features_query(events: ibis.Table) -> PreparedQuery:
    return PreparedQuery(events.get_backend(), ["at"], lambda at: customer_features(events, at), [c.CUSTOMER_ID])


@pytest.mark.slow
def test_every_cut_off_gives_what_a_query_compiled_for_it_gives(events: ibis.Table) -> None:
    ask = features_query(events)
    for at in CUT_OFFS:
        assert ask(at).equals(customer_features(events, at).order_by(c.CUSTOMER_ID).to_pyarrow())
    assert ask(day(60)).num_rows > ask(day(20)).num_rows > ask(day(-1)).num_rows == 0


@pytest.mark.parametrize("at", [day(60), AN_EVENT_AT], ids=["middle", "at an event"])
def test_nothing_at_or_after_the_cut_off_is_seen(at: datetime) -> None:
    def asked_later_first(events: ibis.Table, as_of: datetime) -> ibis.Table:
        held = events.cache()
        ask = features_query(held)
        ask(day(1000))
        return ibis.memtable(ask(as_of))

    assert computed(asked_later_first, WORLD, at)
    assert not looks_ahead(asked_later_first, WORLD, at)


def test_a_query_that_ignores_its_parameter_is_caught() -> None:
    def forgetful(events: ibis.Table, as_of: datetime) -> ibis.Table:
        held = events.cache()
        ask = PreparedQuery(held.get_backend(), ["at"], lambda at: customer_features(held, day(1000)), [c.CUSTOMER_ID])
        return ibis.memtable(ask(as_of))

    assert looks_ahead(forgetful, WORLD, day(60))


def test_two_parameters_are_bound_in_their_order(events: ibis.Table) -> None:
    def ordered(since: AsOf, at: AsOf) -> ibis.Table:
        placed = orders(events, at)
        return placed.filter(placed[ORDERED_AT] >= timestamp(since))

    ask = PreparedQuery(events.get_backend(), ["since", "at"], ordered, [c.ORDER_ID])
    placed = orders(events, day(90))
    expected = placed.filter(placed[ORDERED_AT] >= ibis.literal(day(40))).order_by(c.ORDER_ID).to_pyarrow()
    assert ask(day(40), day(90)).equals(expected)
    assert expected.num_rows
    assert not ask(day(90), day(40)).num_rows


def test_the_latest_results_are_cached_and_no_more(events: ibis.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = features_query(events)
    first = ask(day(60))
    monkeypatch.setattr(prepared_query, "MAX_CACHED_ROWS", 2 * first.num_rows)
    assert ask(day(60)) is first
    second = ask(day(61))
    assert ask(day(60)) is first
    ask(day(62))
    assert ask(day(60)) is first
    again = ask(day(61))
    assert isinstance(again, pa.Table)
    assert again is not second
    assert again.equals(second)
