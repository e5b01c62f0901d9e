from pathlib import Path

import pytest

from contracts import columns as c
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse
from tests.pipelines.wire import bought, ingest_events, rows, warehouse_in, wire


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = tmp_path_factory.mktemp("views")
    ingest_events(
        home,
        wire("1", anonymousId="a"),
        bought("2", "ann", {"x": 1.0, "y": 2.0}, at=3),
        wire("3", anonymousId="b", userId="ann"),
    )
    return warehouse_in(home)


def test_events_come_with_their_customer_in_the_declared_types(warehouse: Warehouse) -> None:
    assert views.events(warehouse).to_pyarrow().cast(c.EVENTS).num_rows == 4
    assert rows(views.events(warehouse), c.MESSAGE_ID, c.CUSTOMER_ID, c.IS_KNOWN, c.ALLOWS_PERSONALIZATION) == [
        ("1", "anonymous:a", False, True),
        ("2", "ann", True, True),
        ("2", "ann", True, True),
        ("3", "ann", True, True),
    ]


def test_the_catalogue_has_the_items_of_events_and_may_be_asked_for_again(warehouse: Warehouse) -> None:
    first, second = views.catalogue(warehouse), views.catalogue(warehouse)
    assert rows(first, c.ITEM_ID, c.PRICE) == rows(second, c.ITEM_ID, c.PRICE) == [("x", 1.0), ("y", 2.0)]


def test_no_currency_is_known_before_one_is_stated(warehouse: Warehouse) -> None:
    assert views.currency(warehouse) is None
    assert views.accepted_currencies(warehouse).currency is None


def test_an_empty_warehouse_has_empty_views(tmp_path: Path) -> None:
    empty = warehouse_in(tmp_path)
    assert rows(views.events(empty)) == rows(views.catalogue(empty)) == []
    assert views.events(empty).columns == tuple(c.EVENTS.names)
    assert views.catalogue(empty).columns == tuple(c.CATALOGUE.names)
