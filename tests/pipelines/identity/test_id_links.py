from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.identity.id_links import links_of_events, links_of_statements, union
from pipelines.identity.resolution import resolve
from pipelines.warehouse.schemas import CONSENT_STATEMENTS, FIRST_AT, ID_LINKS, STORED, stated_at
from tests.pipelines.wire import rows

NOW = datetime(2025, 6, 1, tzinfo=UTC)
YES, NO = stated_at(c.CONSENT_MARKETING, yes=True), stated_at(c.CONSENT_MARKETING, yes=False)


def table(schema: pa.Schema, *given: dict[str, Any]) -> ibis.Table:
    """Rows of an event at NOW + `day`, of the device "a"."""
    filled = [
        dict.fromkeys(schema.names)
        | {c.LINE: 0, c.ANONYMOUS_ID: "a", c.SOURCE: "file", c.OCCURRED_AT: NOW + timedelta(days=row["day"])}
        | {name: value for name, value in row.items() if name != "day"}
        for row in given
    ]
    return ibis.memtable(pa.Table.from_pylist(filled, schema=pa.schema([f.with_nullable(True) for f in schema])))


def links(*given: dict[str, Any]) -> ibis.Table:
    return links_of_events(table(STORED, *given))


def people(*given: dict[str, Any]) -> list[dict[str, Any]]:
    """The identity map of these events; of an id of either kind the user."""
    found = resolve(links(*given).select(ID_LINKS.names).to_pyarrow().cast(ID_LINKS)).to_pylist()
    users = {row["person_id"] for row in found if row["is_user_id"]}
    return [row for row in found if row["is_user_id"] or row["person_id"] not in users]


def test_a_combination_of_ids_has_its_first_time_and_its_last_yes_and_no() -> None:
    found = links(
        {"day": 3, c.USER_ID: "ann", c.CONSENT_MARKETING: True},
        {"day": 1, c.USER_ID: "ann", c.CONSENT_MARKETING: True},
        {"day": 2, c.USER_ID: "ann", c.CONSENT_MARKETING: False},
        {"day": 0, c.USER_ID: "ann", c.LINE: 1},  # a further line of an event is no event
        {"day": 5},
    )
    at = [NOW + timedelta(days=day) for day in range(6)]
    assert rows(found, c.USER_ID, FIRST_AT, YES, NO) == [("ann", at[1], at[3], at[2]), (None, at[5], None, None)]


def test_an_alias_of_a_page_joins_no_two_user_ids() -> None:
    alias = {"day": 1, c.USER_ID: "mallory", c.PREVIOUS_ID: "alice", c.ANONYMOUS_ID: None}
    known = ({"day": 0, c.USER_ID: "alice", c.ANONYMOUS_ID: None},)
    joined = {
        source: {row["person_id"]: row[c.CUSTOMER_ID] for row in people(*known, alias | {c.SOURCE: source})}
        for source in ("api:web", "server:shop", "file")
    }
    assert joined["server:shop"] == joined["file"] == {"alice": "alice", "mallory": "alice"}
    assert joined["api:web"] == {"alice": "alice", "mallory": "mallory"}


def test_an_alias_of_a_page_makes_a_visitor_the_user() -> None:
    alias = {"day": 1, c.USER_ID: "ann", c.PREVIOUS_ID: "phone", c.ANONYMOUS_ID: None, c.SOURCE: "api:web"}
    found = people({"day": 0, c.ANONYMOUS_ID: "phone"}, alias)
    assert {(row["person_id"], row[c.CUSTOMER_ID]) for row in found} == {("phone", "ann"), ("ann", "ann")}


def test_statements_of_suppressed_events_carry_consent_and_link_nothing() -> None:
    found = links_of_statements(table(CONSENT_STATEMENTS, {"day": 1, c.USER_ID: "ann", c.CONSENT_MARKETING: False}))
    assert found.columns == tuple(ID_LINKS.names)
    assert rows(found, c.USER_ID, FIRST_AT, NO) == [("ann", None, NOW + timedelta(days=1))]


def test_the_union_of_parts_is_what_all_events_at_once_give() -> None:
    first, second = {"day": 1, c.CONSENT_MARKETING: True}, {"day": 2, c.CONSENT_MARKETING: False}
    third = {"day": 3, c.USER_ID: "ann"}
    parts = union(links(dict(first)), links(dict(second), dict(third)))
    assert rows(parts, *ID_LINKS.names) == rows(links(first, second, third), *ID_LINKS.names)
    assert rows(union(parts), *ID_LINKS.names) == rows(parts, *ID_LINKS.names)
