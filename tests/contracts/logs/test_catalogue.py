from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from contracts.errors import StorageError
from contracts.logs.catalogue import CatalogueLog

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "items.sqlite"


def latest(log: CatalogueLog) -> dict[tuple[str, str], tuple[Any, datetime]]:
    return {(update.item_id, update.name): (update.value, update.updated_at) for update in log.read()}


def test_of_each_field_the_latest_update_is_kept_with_its_time(path: Path) -> None:
    log = CatalogueLog(path)
    log.append([("a", {"price": 2.0, "attributes": {"colour": "red"}}), ("b", {"price": 3.0})], NOW)
    log.append([("a", {"stock": 0.0, "attributes": {"size": 4}})], LATER)
    assert latest(log) == {
        ("a", "item_id"): ("a", LATER),
        ("a", "price"): (2.0, NOW),
        ("a", "stock"): (0.0, LATER),
        ("a", "attributes"): ({"colour": "red", "size": 4}, LATER),
        ("b", "item_id"): ("b", NOW),
        ("b", "price"): (3.0, NOW),
    }


def test_of_one_call_the_last_value_counts(path: Path) -> None:
    log = CatalogueLog(path)
    log.append([("a", {"price": 2.0}), ("a", {"price": 4.0})], NOW)
    assert latest(log)["a", "price"] == (4.0, NOW)


def test_another_process_reads_only_what_is_new_to_it(path: Path) -> None:
    writer, reader = CatalogueLog(path), CatalogueLog(path)
    writer.append([("a", {}), ("b", {})], NOW)
    place = reader.read()[-1].cursor
    assert reader.read(place) == []
    writer.append([("a", {"price": 1.0})], LATER)
    assert {(update.item_id, update.name) for update in reader.read(place)} == {("a", "item_id"), ("a", "price")}


def test_it_is_all_there_after_a_restart(path: Path) -> None:
    log = CatalogueLog(path)
    log.append([("a", {"item_name": "Grüner Tee"})], NOW)
    log.close()
    assert latest(CatalogueLog(path))["a", "item_name"] == ("Grüner Tee", NOW)


def test_a_call_is_stored_whole_or_not_at_all(path: Path) -> None:
    log = CatalogueLog(path)
    connection = apsw.Connection(str(path))
    connection.execute(
        "CREATE TRIGGER t BEFORE INSERT ON words WHEN NEW.item_id = 'b' BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    connection.close()
    with pytest.raises(StorageError, match="did not accept 2 items"):
        log.append([("a", {}), ("b", {})], NOW)
    assert log.read() == []
    log.append([("a", {})], NOW)
    assert len(log.read()) == 1


def test_a_log_of_another_version_is_refused(path: Path) -> None:
    CatalogueLog(path).close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(StorageError, match="version 9"):
        CatalogueLog(path)
