from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.logs.catalogue import CatalogueLog
from serving.answers.catalogue_updates import CatalogueUpdates, catalogue_fields
from tests.serving.shop import AS_OF, shop_recommender

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = AS_OF + 2 * DAY


def no_rows(item_id: str) -> None:
    return None


@pytest.fixture
def updates(tmp_path: Path) -> CatalogueUpdates:
    return CatalogueUpdates(CatalogueLog(tmp_path / "items.sqlite"))


def append(updates: CatalogueUpdates, item_id: str, received_at: datetime, **fields: Any) -> None:
    updates.append([(item_id, catalogue_fields(fields))], received_at)
    updates.refresh()


def test_of_known_items_only_updates_after_the_bundles_events_count(updates: CatalogueUpdates) -> None:
    append(updates, "tea-1", AS_OF - DAY, price=1.5)
    append(updates, "tea-2", AS_OF + DAY, price=2.5)
    append(updates, "new", AS_OF - DAY, name="New", attributes={"colour": "red"})
    found = {item.item_id: item for item in updates.updates_for(shop_recommender(), NOW, no_rows)[0]}
    assert sorted(found) == ["new", "tea-2"]
    assert (found["tea-2"].price, found["tea-2"].available_from) == (2.5, None)
    assert (found["new"].name, found["new"].attributes) == ("New", {"colour": "red"})


def test_an_old_update_does_not_come_back_with_a_new_one(updates: CatalogueUpdates) -> None:
    append(updates, "tea-1", AS_OF - DAY, stock=0.0)
    append(updates, "tea-1", AS_OF + DAY, price=2.5)
    (found,), _ = updates.updates_for(shop_recommender(), NOW, no_rows)
    assert (found.price, found.stock) == (2.5, None)


def test_an_update_that_a_later_catalogue_file_replaced_does_not_come_back(updates: CatalogueUpdates) -> None:
    append(updates, "tea-1", AS_OF + DAY, stock=0.0)
    append(updates, "tea-2", AS_OF + DAY, stock=0.0)
    append(updates, "tea-2", NOW, price=2.5)
    read_at = {"tea-1": AS_OF + DAY + HOUR, "tea-2": AS_OF + DAY + HOUR}
    (found,), _ = updates.updates_for(shop_recommender(), NOW, read_at.get)
    assert (found.item_id, found.price, found.stock) == ("tea-2", 2.5, None)


def test_an_update_that_is_in_the_row_changes_nothing(updates: CatalogueUpdates) -> None:
    append(updates, "tea-1", AS_OF + DAY, stock=0.0)
    (found,), _ = updates.updates_for(shop_recommender(), NOW, {"tea-1": AS_OF + DAY}.get)
    assert found.stock == 0


def test_a_value_that_an_older_version_stored_is_refused_with_its_item_only(updates: CatalogueUpdates) -> None:
    append(updates, "new", AS_OF + DAY, price=1e308)
    append(updates, "tea-1", AS_OF + DAY, stock=-1.0)
    append(updates, "tea-2", AS_OF + DAY, price=2.5)
    found, refused = updates.updates_for(shop_recommender(), NOW, no_rows)
    assert [item.item_id for item in found] == ["tea-2"]
    assert sorted(refused) == ["new", "tea-1"]
    assert "price of 'new' is 1e+308" in refused["new"]


def test_an_item_available_now_is_available_at_the_recommenders_own_clock(updates: CatalogueUpdates) -> None:
    append(updates, "unsaid", AS_OF + DAY)
    append(updates, "out", AS_OF + DAY, available_from=(AS_OF + DAY).isoformat())
    append(updates, "soon", AS_OF + DAY, available_from=(NOW + DAY).isoformat())
    append(updates, "long", AS_OF - DAY, available_from=(AS_OF - 9 * DAY).isoformat())
    launches = {item.item_id: item.available_from for item in updates.updates_for(shop_recommender(), NOW, no_rows)[0]}
    assert launches == {"unsaid": AS_OF, "out": AS_OF, "soon": NOW + DAY, "long": AS_OF - 9 * DAY}


def test_the_next_launch_is_known(updates: CatalogueUpdates) -> None:
    assert updates.next_launch(NOW) is None
    for days in (-1, 3, 2):
        append(updates, f"in-{days}", AS_OF, available_from=(NOW + days * DAY).isoformat())
    assert updates.next_launch(NOW) == datetime(2025, 6, 5, tzinfo=UTC)
    assert updates.next_launch(NOW + 3 * DAY) is None


def test_the_version_grows_with_every_update(updates: CatalogueUpdates) -> None:
    append(updates, "a", NOW, price=1)
    before = updates.version
    updates.refresh()
    assert updates.version == before
    append(updates, "a", NOW, price=2)
    assert updates.version > before
