import json
from collections import Counter

import numpy as np

from pipelines.simulate.orders import Refund
from pipelines.simulate.session_events import ORDER
from pipelines.simulate.wire_format import EncodedFragments, Encoder
from tests.pipelines.simulate.drawn_day import NUMBER, PARAMETERS, DrawnDay


def test_distinct_devices_have_distinct_ids(drawn: DrawnDay) -> None:
    fragments = EncodedFragments(PARAMETERS, drawn.catalogue, drawn.customers)
    ids = fragments.anonymous_ids(np.arange(10_000))
    assert len(set(ids)) == 10_000
    assert ids[:10] == fragments.anonymous_ids(np.arange(10))


def test_every_event_is_a_line_and_a_refund_comes_on_its_day(drawn: DrawnDay) -> None:
    encoder = Encoder(PARAMETERS, EncodedFragments(PARAMETERS, drawn.catalogue, drawn.customers))
    refunds = [Refund(0, (0,), NUMBER, 1_000), Refund(1, (), NUMBER + 1, 0)]
    lines = encoder.encode(drawn.day, drawn.sessions, drawn.events, drawn.orders, refunds)
    events = [json.loads(line) for line in lines.splitlines()]
    assert len(events) == encoder.events == drawn.events.count + 1
    assert len({event["messageId"] for event in events}) == len(events)
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    names = Counter(event.get("event") for event in events)
    assert names["Order Completed"] == (drawn.events.kind == ORDER).sum()
    assert (names["Order Refunded"], names["Order Cancelled"]) == (1, 0)  # the cancellation is of tomorrow


def test_identify_has_the_address_of_those_who_have_one(drawn: DrawnDay) -> None:
    fragments = EncodedFragments(PARAMETERS, drawn.catalogue, drawn.customers)
    for customer in range(drawn.customers.size):
        traits = json.loads(f"{{{fragments.identify(customer)}}}")["traits"]
        assert traits.get("email") == drawn.customers.email(customer)
