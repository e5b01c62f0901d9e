"""Identity and consent before a time are those of the events before it; outcomes follow the later links."""

import random
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import columns as c
from pipelines.families.family import no_statements
from pipelines.identity.consent import allows_personalization, latest_consent
from pipelines.identity.history import IdentityHistory
from pipelines.identity.id_links import links_of_events
from pipelines.identity.resolution import resolve
from pipelines.warehouse.schemas import ID_LINKS, IS_USER_ID, PERSON_ID
from tests.worlds import day, events_table

Person = tuple[bool, str]
USERS, VISITORS = ["ann", "bob", "user:anonymous:17", "x"], ["phone", "tablet", "17", "x"]


def event(at: float, user: str | None = None, visitor: str | None = None, **more: Any) -> dict[str, Any]:
    return {c.OCCURRED_AT: day(at), c.USER_ID: user, c.ANONYMOUS_ID: visitor, c.CUSTOMER_ID: "", **more}


def history(*rows: dict[str, Any]) -> IdentityHistory:
    return IdentityHistory(ibis.memtable(events_table(list(rows))), no_statements())


def people(table: pa.Table) -> dict[Person, tuple[str, bool, bool]]:
    names = (c.CUSTOMER_ID, c.IS_KNOWN, c.ALLOWS_PERSONALIZATION)
    return {(row[IS_USER_ID], row[PERSON_ID]): tuple(row[name] for name in names) for row in table.to_pylist()}


def customers(table: pa.Table) -> dict[Person, str]:
    return {person: found[0] for person, found in people(table).items()}


def random_events(seed: int) -> pa.Table:
    chance = random.Random(seed)
    rows = []
    for _ in range(chance.randint(1, 14)):
        at, user, visitor = chance.randint(0, 9), chance.choice([None, *USERS]), chance.choice([None, *VISITORS])
        said = {
            name: chance.choice([None, None, True, False]) for name in (c.CONSENT_ANALYTICS, c.CONSENT_PERSONALIZATION)
        }
        if chance.random() < 0.3:
            said |= {c.TYPE: "alias", c.PREVIOUS_ID: chance.choice([*USERS, *VISITORS])}
            user = user or "ann"
        rows.append(event(at, user, visitor, **said))
    return events_table(rows)


def recomputed(events: pa.Table, at: datetime) -> dict[Person, tuple[str, bool, bool]]:
    """The people of a warehouse that holds only the events before `at`."""
    past = events.filter(pc.less(events[c.OCCURRED_AT], pa.scalar(at, c.TIMESTAMP)))
    links = links_of_events(ibis.memtable(past)).select(ID_LINKS.names)
    identity_map = resolve(links.to_pyarrow().cast(ID_LINKS))
    consent = latest_consent(links, ibis.memtable(identity_map))
    refused = consent.filter(~allows_personalization(consent)).select(c.CUSTOMER_ID).to_pyarrow()[c.CUSTOMER_ID]
    allowed = pc.invert(pc.is_in(identity_map[c.CUSTOMER_ID], refused))
    return people(identity_map.append_column(c.ALLOWS_PERSONALIZATION, allowed))


@given(seed=st.integers(0, 10**6), at=st.integers(1, 10))
@settings(max_examples=12, deadline=None)
def test_people_are_those_of_a_warehouse_that_holds_only_the_events_before(seed: int, at: int) -> None:
    events = random_events(seed)
    found = people(IdentityHistory(ibis.memtable(events), no_statements()).people(day(at)))
    assert {person: found[person] for person in recomputed(events, day(at))} == recomputed(events, day(at))


def test_a_visitor_who_signs_in_later_is_not_known_before_and_is_the_same_person_after() -> None:
    known = history(event(1, visitor="phone"), event(5, "ann", "phone"), event(6, "ann"))
    phone = (False, "phone")
    assert customers(known.people(day(5)))[phone] == "anonymous:phone"
    assert people(known.people(day(5.1)))[phone] == ("ann", True, True)
    found = customers(known.outcome_people(day(3), day(9)))
    assert found[phone] == found[True, "ann"] == "anonymous:phone"  # nobody else was known
    assert customers(known.outcome_people(day(3), day(4)))[True, "ann"] == "ann"


def test_a_device_that_was_known_by_itself_gives_way_to_the_user_who_was_known() -> None:
    known = history(event(1, visitor="phone"), event(2, "ann"), event(5, "ann", "phone"))
    assert customers(known.outcome_people(day(3), day(9)))[False, "phone"] == "ann"


def test_what_a_new_id_does_belongs_to_the_customer_who_was_known() -> None:
    joined = {c.TYPE: "alias", c.PREVIOUS_ID: "ann"}
    known = history(event(1, "ann"), event(5, visitor="phone"), event(6, "ann", "phone"), event(7, "aaa", **joined))
    found = customers(known.outcome_people(day(3), day(9)))
    assert found[False, "phone"] == found[True, "aaa"] == found[True, "ann"] == "ann"
    assert customers(known.people(day(9)))[True, "ann"] == "aaa"


def test_two_known_customers_who_become_one_keep_their_own_outcomes() -> None:
    known = history(event(1, "ann"), event(1, "bob"), event(5, "bob", **{c.TYPE: "alias", c.PREVIOUS_ID: "ann"}))
    found = customers(known.outcome_people(day(3), day(9)))
    assert (found[True, "ann"], found[True, "bob"]) == ("ann", "bob")


def test_consent_is_the_latest_before_the_time_and_of_all_ids_of_the_customer() -> None:
    no, yes = ({c.CONSENT_PERSONALIZATION: given} for given in (False, True))
    known = history(event(1, "ann", "phone"), event(3, "ann", **no), event(5, visitor="phone", **yes))
    allowed = [people(known.people(day(at)))[True, "ann"][2] for at in (2, 4, 6)]
    assert allowed == [True, False, True]


def test_a_refusal_in_an_event_that_is_not_kept_counts_from_then_on() -> None:
    rows = ibis.memtable(events_table([event(1, "ann"), event(6, "ann")]))
    refusal = {**dict.fromkeys(no_statements().columns), c.MESSAGE_ID: "m", c.SOURCE: "test", "content_hash": 0}
    refusal |= {c.OCCURRED_AT: day(3), c.RECEIVED_AT: day(3), c.USER_ID: "ann", c.CONSENT_ANALYTICS: False}
    suppressed = pa.Table.from_pylist([refusal], schema=no_statements().to_pyarrow().schema)
    known = IdentityHistory(rows, ibis.memtable(suppressed))
    assert [people(known.people(day(at)))[True, "ann"][2] for at in (2, 4)] == [True, False]


def test_somebody_who_comes_later_is_allowed_what_they_said_last() -> None:
    known = history(event(1, "ann"), event(5, "bob", **{c.CONSENT_PERSONALIZATION: False}))
    found = people(known.people(day(3)))
    assert (found[True, "ann"][2], found[True, "bob"][2]) == (True, False)
