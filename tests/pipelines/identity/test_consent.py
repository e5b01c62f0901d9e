from pathlib import Path

import pytest

from contracts import columns as c
from pipelines.warehouse import views
from tests.pipelines.wire import bought, consent, ingest_events, rows, track, warehouse_in, wire

REFUSES = {"analytics": False}

# A customer for each thing that may happen, in two calls, the later statements first.
LATER = [
    wire("l2", at=2, userId="late", context=consent(marketing=True)),
    *[wire(f"t{flag}", userId="torn", context=consent(personalization=flag)) for flag in (True, False)],
    wire("p2", at=2, anonymousId="phone", userId="poly"),
    wire("p3", at=3, userId="poly"),
    bought("r1", "refuser", {"tea": 3.0}),
    track("r2", "Product Viewed", 2, userId="refuser", properties={"sku": "tea"}, context=consent(**REFUSES)),
    wire("b2", at=2, userId="back", context=consent(analytics=True)),
    wire("s1", anonymousId="suppressed", userId="sue", context=consent(**REFUSES)),
    wire("q1", userId="quiet"),
]
EARLIER = [
    wire("l1", at=1, userId="late", context=consent(marketing=False, personalization=True)),
    wire("p1", at=1, anonymousId="phone", context=consent(personalization=False)),
    wire("b1", at=1, userId="back", context=consent(**REFUSES)),
    wire("s2", anonymousId="suppressed"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("consent")
    assert ingest_events(home, *LATER).total.suppressed == 2
    assert ingest_events(home, *EARLIER).total.suppressed == 1
    return home


@pytest.fixture(scope="module")
def statements(home: Path) -> dict[str, tuple[bool | None, ...]]:
    """Analytics, personalization and marketing, by customer."""
    return {row[0]: row[1:] for row in rows(warehouse_in(home).consent())}


@pytest.fixture(scope="module")
def allows(home: Path) -> dict[str, bool]:
    return dict(rows(views.events(warehouse_in(home)), c.CUSTOMER_ID, c.ALLOWS_PERSONALIZATION))


Statements = dict[str, tuple[bool | None, ...]]


def test_the_latest_statement_counts_per_purpose_in_any_order(statements: Statements) -> None:
    assert statements["late"] == (None, True, True)


def test_a_yes_and_a_no_of_one_instant_are_a_no(statements: Statements, allows: dict[str, bool]) -> None:
    assert statements["torn"] == (None, False, None)
    assert allows["torn"] is False


def test_a_statement_on_one_device_counts_for_the_customer(allows: dict[str, bool]) -> None:
    assert allows["poly"] is False


def test_who_refuses_analytics_is_remembered_without_the_event(
    home: Path, statements: Statements, allows: dict[str, bool]
) -> None:
    assert statements["refuser"] == (False, None, None)
    assert allows["refuser"] is False
    stored = {message_id for (message_id,) in rows(views.events(warehouse_in(home)), c.MESSAGE_ID)}
    assert {"r1", "r2", "b1", "s1"} & stored == {"r1"}


def test_who_consents_again_is_personalized_again(statements: Statements, allows: dict[str, bool]) -> None:
    assert statements["back"] == (True, None, None)
    assert allows["back"] is True


def test_a_suppressed_event_links_no_ids(statements: Statements, allows: dict[str, bool]) -> None:
    assert "anonymous:suppressed" in allows
    assert statements["sue"] == (False, None, None)


def test_a_customer_without_a_statement_allows_personalization_and_has_no_row(
    statements: Statements, allows: dict[str, bool]
) -> None:
    assert allows["quiet"] is True
    assert "quiet" not in statements


def test_of_suppressed_events_only_the_consent_is_stored(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", userId="ann", context=consent(**REFUSES)))
    assert rows(warehouse_in(tmp_path).consent()) == [("ann", False, None, None)]
    assert warehouse_in(tmp_path).event_window().events == 0
