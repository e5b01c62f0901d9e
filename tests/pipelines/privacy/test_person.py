from datetime import UTC, datetime

import pytest

from pipelines.privacy.person import addresses_in, events_of, find_person
from pipelines.warehouse.warehouse import Warehouse
from tests.pipelines.wire import ingest_events, warehouse_in, wire

AT = datetime(2026, 1, 1, tzinfo=UTC)
MAIL = "Ada@example.org"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = tmp_path_factory.mktemp("people")
    ingest_events(
        home,
        wire("1", anonymousId="phone"),
        wire("2", 1, "identify", userId="ada", anonymousId="phone", traits={"email": MAIL}),
        wire("3", 2, "alias", userId="ada", previousId="old-ada"),
        wire("4", 3, userId="bob", anonymousId="phone"),
        wire("5", 3, userId="bob"),
    )
    return warehouse_in(home)


@pytest.mark.parametrize("given", ["ada", "old-ada", "phone", "anonymous:phone", "ada@EXAMPLE.org", " ada "])
def test_any_id_finds_all_ids(warehouse: Warehouse, given: str) -> None:
    assert find_person(warehouse, [given], AT).ids >= {"ada", "old-ada", "phone", MAIL}
    assert "bob" not in find_person(warehouse, [given], AT).ids


def test_somebody_unknown_is_asked_for_by_the_given_id_alone(warehouse: Warehouse) -> None:
    assert find_person(warehouse, ["eve"], AT).ids == {"eve"}


def test_an_event_of_somebody_else_on_the_same_device_is_not_hers(warehouse: Warehouse) -> None:
    lines = warehouse.lines()
    own = lines.filter(events_of(lines, find_person(warehouse, ["ada"], AT)))
    assert sorted(own.to_pyarrow()["message_id"].to_pylist()) == ["1", "2", "3"]


def test_what_came_and_happened_later_is_kept(warehouse: Warehouse) -> None:
    lines = warehouse.lines()
    before = find_person(warehouse, ["ada"], datetime(2024, 1, 1, tzinfo=UTC))
    assert lines.filter(events_of(lines, before)).count().to_pyarrow().as_py() == 0


def test_addresses_are_told_by_their_sign() -> None:
    assert addresses_in(["a", "b@c"]) == ["b@c"]
