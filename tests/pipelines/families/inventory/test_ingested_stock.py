"""Stock from the catalogue file or from POST /v1/items to the buying list, on a store whose data ended long ago."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from contracts import columns as c
from contracts.logs.catalogue import CatalogueLog
from pipelines.ingest.ingest import ingest
from pipelines.publishing.publish import publish
from pipelines.training.train import train
from serving.answers.published import open_published
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.wire import bought, settings_in, write_events

ITEMS, DAYS, LINES = 6, 100, 3  # an item sells on every second day
EMPTY, FULL = "item-0", "item-1"
YEAR_LATER = datetime(2026, 6, 1, tzinfo=UTC)


def buying_list(home: Path) -> dict[str, tuple[float | None, float | None]]:
    """Stock and order of each item, of the bundle that is trained and published now."""
    settings = settings_in(home)
    (outcome,) = train(settings, ["inventory"])
    assert outcome.skipped is None
    publish(settings)
    items = open_published(settings.bundles_url).table("items")
    rows = items.rows_at(np.arange(len(items)), [c.ITEM_ID, "stock_on_hand", "order_quantity"])
    return {row[c.ITEM_ID]: (row["stock_on_hand"], row["order_quantity"]) for row in rows}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a catalogue file that says nothing of times, read a year after the last order."""
    home = with_mlflow_store(tmp_path_factory.mktemp("store"))
    sold = {day: {f"item-{(2 * line + day) % ITEMS}": 10.0 for line in range(LINES)} for day in range(DAYS)}
    orders = [bought(f"{day}", f"u{day % 7}", sold[day], float(day)) for day in range(DAYS)]
    stocks = [0.0, 900.0] + [5.0] * (ITEMS - 3)  # the last item has no row
    rows = "".join(f"item-{number},{stock:g}\n" for number, stock in enumerate(stocks))
    (home / "catalogue.csv").write_text(f"item_id,stock\n{rows}")
    files = [write_events(home / "events.jsonl", orders)]
    ingest(settings_in(home), files, catalogue=home / "catalogue.csv", now=YEAR_LATER)
    return home


def test_stock_of_a_catalogue_file_without_times_makes_the_buying_list(home: Path) -> None:
    listed = buying_list(home)
    assert listed[EMPTY][0] == 0
    assert (listed[EMPTY][1] or 0) > 0
    assert listed[FULL] == (900, 0)
    assert listed[f"item-{ITEMS - 1}"] == (None, None)  # nobody told its stock


def test_stock_that_the_service_was_told_replaces_the_files(home: Path) -> None:
    log = CatalogueLog(settings_in(home).items_path)
    log.append([(EMPTY, {c.STOCK: 900.0}), (FULL, {c.STOCK: 0.0})], datetime(2026, 6, 2, tzinfo=UTC))
    log.close()
    ingest(settings_in(home))
    listed = buying_list(home)
    assert listed[EMPTY] == (900, 0)
    assert listed[FULL][0] == 0
    assert (listed[FULL][1] or 0) > 0
