import random
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import columns as c
from contracts.customer_id import customer_id_of
from pipelines.identity.resolution import resolve
from pipelines.warehouse.schemas import FIRST_AT, ID_LINKS, IS_USER_ID, PERSON_ID
from tests.worlds import day

Seen = tuple[str | None, str | None, str | None, float | None]  # anonymous, user, previous, when


def people(*seen: Seen) -> dict[str, str]:
    """The customer of each id; user ids are written `u:...`, anonymous ids `a:...`."""
    names = (c.ANONYMOUS_ID, c.USER_ID, c.PREVIOUS_ID)
    rows: list[dict[str, Any]] = [
        dict(zip(names, ids, strict=True)) | {FIRST_AT: None if at is None else day(at)} for *ids, at in seen
    ]
    filled = [dict.fromkeys(ID_LINKS.names) | row for row in rows]
    found = resolve(pa.Table.from_pylist(filled, schema=ID_LINKS)).to_pylist()
    assert all(row[c.IS_KNOWN] is not row[c.CUSTOMER_ID].startswith("anonymous:") for row in found)
    return {f"{'u' if row[IS_USER_ID] else 'a'}:{row[PERSON_ID]}": row[c.CUSTOMER_ID] for row in found}


def test_an_anonymous_id_belongs_to_the_user_it_was_seen_with_also_before() -> None:
    assert people(("a1", None, None, 0), ("a1", "ann", None, 5)) == {"a:a1": "ann", "u:ann": "ann"}


def test_an_anonymous_id_that_nobody_claims_is_a_customer_of_its_own() -> None:
    assert people(("a1", None, None, 0)) == {"a:a1": "anonymous:a1"}


def test_several_devices_are_one_customer() -> None:
    found = people(("phone", "ann", None, 0), ("laptop", "ann", None, 1))
    assert found == {"a:phone": "ann", "a:laptop": "ann", "u:ann": "ann"}


def test_a_shared_device_stays_with_the_first_and_joins_nobody() -> None:
    found = people(("tablet", "bob", None, 2), ("tablet", "ann", None, 3), ("tablet", None, None, 0))
    assert found == {"a:tablet": "bob", "u:bob": "bob", "u:ann": "ann"}


def test_aliases_join_users_transitively_under_the_smallest_id() -> None:
    found = people((None, "u3", "u2", 1), (None, "u2", "u1", 9), ("a", "u3", None, 4), (None, "u1", None, 0))
    assert set(found.values()) == {"u1"}
    assert found["a:a"] == "u1"


def test_an_alias_from_an_anonymous_id_is_a_sighting() -> None:
    assert people(("a1", None, None, 0), (None, "ann", "a1", 3))["a:a1"] == "ann"
    # It does not take the device from the one it was seen with before, nor join the two.
    found = people(("a1", "bob", None, 1), (None, "ann", "a1", 3))
    assert (found["a:a1"], found["u:ann"]) == ("bob", "ann")


def test_anonymous_ids_are_joined_by_an_alias_and_claimed_together() -> None:
    found = people(("a1", None, None, 0), ("a2", None, None, 1), (None, "a2", "a1", 2))
    assert found["a:a1"] == found["a:a2"] == found["u:a2"] == "anonymous:a1"
    found = people(("a1", None, None, 0), ("a2", None, None, 1), (None, "a2", "a1", 2), ("a2", "ann", None, 3))
    assert found["a:a1"] == found["a:a2"] == "ann"


def test_an_id_of_both_kinds_is_two_ids() -> None:
    assert people(("7", None, None, 0), (None, "7", None, 0)) == {"a:7": "anonymous:7", "u:7": "7"}


def test_a_user_id_that_looks_anonymous_is_escaped() -> None:
    found = people(("x", None, None, 0), (None, "anonymous:x", None, 0), (None, "user:anonymous:x", None, 0))
    assert len(set(found.values())) == 3
    assert found["u:user:anonymous:x"] == customer_id_of("user:anonymous:x", None)  # as the live service has it


def test_what_was_suppressed_links_nothing() -> None:
    found = people(("a1", "ann", None, None))
    assert found == {"a:a1": "anonymous:a1", "u:ann": "ann"}


def test_nobody_was_seen() -> None:
    assert people() == {}


IDS = st.sampled_from(["1", "2", "3", "4"])
SEEN = st.tuples(st.none() | IDS, IDS, st.none() | IDS, st.integers(0, 3))


@settings(max_examples=40)
@given(seen=st.lists(SEEN, max_size=12), seed=st.integers(0, 9))
def test_the_order_of_what_was_seen_does_not_matter(seen: list[Seen], seed: int) -> None:
    shuffled = random.Random(seed).sample(seen, len(seen))
    assert people(*seen) == people(*shuffled)


@settings(max_examples=40)
@given(seen=st.lists(SEEN, max_size=12))
def test_users_that_no_alias_joins_stay_apart(seen: list[Seen]) -> None:
    found = people(*((anonymous, user, None, at) for anonymous, user, _, at in seen))
    assert all(found[f"u:{user}"] == user for _, user, _, _ in seen)


ODD_IDS = st.lists(st.sampled_from(["user:", "anonymous:", "17", " ", "ø"]), min_size=1, max_size=4).map("".join)


@given(user=ODD_IDS, visitor=ODD_IDS)
@settings(max_examples=50, deadline=None)
def test_ingest_and_the_live_service_agree_on_every_id(user: str, visitor: str) -> None:
    found = people((None, user, None, 0), (visitor, None, None, 0))
    assert found[f"u:{user}"] == customer_id_of(user, None)
    assert found[f"a:{visitor}"] == customer_id_of(None, visitor)
