"""A query that is written once answers every instant as one that is written for it, and knows nothing of others."""

from datetime import datetime

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from pipelines.features import prepared_query
from pipelines.features.as_of import UnsetInstant
from pipelines.features.customer import customer_features
from pipelines.features.orders import ORDERED_AT, orders
from pipelines.features.prepared_query import StandingQuery
from tests.pipelines.features.leaks import busy_world, computed, looks_ahead
from tests.worlds import day

WORLD = busy_world(seed=3)
AN_EVENT_AT = sorted(WORLD[c.OCCURRED_AT].to_pylist())[250]
# Not in order, and one twice: nothing of an instant may stay for the next.
INSTANTS = (day(60), day(110), day(20.123456), AN_EVENT_AT, day(60), day(-1))


@pytest.fixture(scope="module")
def events() -> ibis.Table:
    return ibis.memtable(WORLD).cache()


def features_query(events: ibis.Table) -> StandingQuery:
    return StandingQuery(events.get_backend(), 1, lambda at: customer_features(events, at), [c.CUSTOMER_ID])


def test_it_answers_every_instant_as_a_query_written_for_that_instant(events: ibis.Table) -> None:
    ask = features_query(events)
    for at in INSTANTS:
        assert ask(at).equals(customer_features(events, at).order_by(c.CUSTOMER_ID).to_pyarrow())
    assert ask(day(60)).num_rows > ask(day(20)).num_rows > ask(day(-1)).num_rows == 0


@pytest.mark.parametrize("at", [day(60), AN_EVENT_AT], ids=["middle", "at an event"])
def test_it_looks_at_nothing_at_or_after_the_instant(at: datetime) -> None:
    def asked_later_first(events: ibis.Table, as_of: datetime) -> ibis.Table:
        held = events.cache()
        ask = features_query(held)
        ask(day(1000))
        return ibis.memtable(ask(as_of))

    assert computed(asked_later_first, WORLD, at)
    assert not looks_ahead(asked_later_first, WORLD, at)


def test_a_query_that_forgets_its_instant_is_caught() -> None:
    def forgetful(events: ibis.Table, as_of: datetime) -> ibis.Table:
        held = events.cache()
        ask = StandingQuery(held.get_backend(), 1, lambda at: customer_features(held, day(1000)), [c.CUSTOMER_ID])
        return ibis.memtable(ask(as_of))

    assert looks_ahead(forgetful, WORLD, day(60))


def test_of_two_instants_each_has_its_place(events: ibis.Table) -> None:
    def ordered(since: UnsetInstant, at: UnsetInstant) -> ibis.Table:
        placed = orders(events, at)
        return placed.filter(placed[ORDERED_AT] >= since.at)

    ask = StandingQuery(events.get_backend(), 2, ordered, [c.ORDER_ID])
    placed = orders(events, day(90))
    expected = placed.filter(placed[ORDERED_AT] >= ibis.literal(day(40))).order_by(c.ORDER_ID).to_pyarrow()
    assert ask(day(40), day(90)).equals(expected)
    assert expected.num_rows
    assert not ask(day(90), day(40)).num_rows


def test_the_latest_answers_are_kept_and_no_more(events: ibis.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = features_query(events)
    first = ask(day(60))
    monkeypatch.setattr(prepared_query, "MAX_KEPT_ROWS", 2 * first.num_rows)
    assert ask(day(60)) is first
    second = ask(day(61))
    assert ask(day(60)) is first
    ask(day(62))
    assert ask(day(60)) is first
    again = ask(day(61))
    assert isinstance(again, pa.Table)
    assert again is not second
    assert again.equals(second)
