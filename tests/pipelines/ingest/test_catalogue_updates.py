from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from contracts import columns as c
from contracts.logs.catalogue import CatalogueLog
from pipelines.ingest.catalogue_updates import partial_updates
from pipelines.ingest.ingest import ingest
from pipelines.warehouse import views
from tests.pipelines.wire import NOW, rows, settings_in, warehouse_in

HOUR = timedelta(hours=1)
NAMES = (c.ITEM_NAME, c.ITEM_CATEGORY, c.PRICE, c.STOCK)
FILE = (
    "item_id,item_name,item_category,price,stock,updated_at,colour\ntea,Tea,drinks,3,9,{at},red\ncup,Cup,,5,2,{at},\n"
)


def update(home: Path, item_id: str, at: Any = NOW, **stated: Any) -> None:
    log = CatalogueLog(settings_in(home).items_path)
    log.append([(item_id, stated)], at)
    log.close()


def catalogue(home: Path, file: str | None = None, *names: str) -> list[tuple[Any, ...]]:
    path = home / "catalogue.csv"
    if file is not None:
        path.write_text(file)
    ingest(settings_in(home), catalogue=path if file is not None else None, now=NOW + 2 * HOUR)
    return rows(views.catalogue(warehouse_in(home)), c.ITEM_ID, *(names or NAMES))


def test_an_updated_item_is_in_the_catalogue_after_the_next_ingest(tmp_path: Path) -> None:
    update(tmp_path, "new", item_name="New", price=4.0, available_from="2025-06-01T12:00:00+02:00")
    assert catalogue(tmp_path) == [("new", "New", None, 4.0, None)]
    launch = rows(views.catalogue(warehouse_in(tmp_path)), c.AVAILABLE_FROM)[0][0]
    assert launch.isoformat().startswith("2025-06-01T10:00:00")


def test_later_updates_replace_single_fields(tmp_path: Path) -> None:
    update(tmp_path, "tea", NOW, stock=0.0)
    file = FILE.format(at=(NOW - HOUR).isoformat())
    expected = [("cup", "Cup", None, 5.0, 2.0), ("tea", "Tea", "drinks", 3.0, 0.0)]
    assert catalogue(tmp_path, file) == expected
    assert catalogue(tmp_path) == expected
    assert catalogue(tmp_path, file) == expected


def test_a_file_of_later_counts_whole(tmp_path: Path) -> None:
    update(tmp_path, "tea", NOW, stock=0.0)
    catalogue(tmp_path)
    assert catalogue(tmp_path, FILE.format(at=(NOW + HOUR).isoformat()))[1] == ("tea", "Tea", "drinks", 3.0, 9.0)
    update(tmp_path, "tea", NOW + 2 * HOUR, price=1.0)
    assert catalogue(tmp_path)[1] == ("tea", "Tea", "drinks", 1.0, 9.0)  # the stock was updated before the file


def test_updated_attributes_are_merged_with_those_of_the_file(tmp_path: Path) -> None:
    update(tmp_path, "tea", NOW, attributes={"margin": 0.5})
    update(tmp_path, "cup", NOW, attributes={"size": "big"})
    found = catalogue(tmp_path, FILE.format(at=(NOW - HOUR).isoformat()), c.ATTRIBUTES)
    assert [orjson.loads(text) for _, text in found] == [{"size": "big"}, {"colour": "red", "margin": 0.5}]


def test_a_number_that_an_older_version_stored_is_not_taken(tmp_path: Path) -> None:
    update(tmp_path, "tea", NOW, price=1e308, stock=1e308)
    assert catalogue(tmp_path, FILE.format(at=(NOW - HOUR).isoformat()))[1] == ("tea", "Tea", "drinks", 3.0, 9.0)


def test_rows_that_state_some_fields_only_change_these() -> None:
    first = {c.ITEM_ID: "tea", c.STOCK: 3.0, c.UPDATED_AT: NOW}
    items = pa.Table.from_pylist([first, first | {c.PRICE: 2.0, c.STOCK: 4.0}], schema=c.CATALOGUE)
    (row,) = partial_updates(items).to_pylist()
    assert (row[c.PRICE], row[c.STOCK], row[c.ITEM_NAME]) == (2.0, 4.0, None)
    assert row["item_name_updated_at"] is None
    assert row["stock_updated_at"] > NOW  # later than a whole row of the same call
