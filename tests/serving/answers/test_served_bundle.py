from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.bundle_store import open_bundle_store
from contracts.errors import BundleRefused
from contracts.settings import Settings
from serving.answers.served_bundle import load_bundle
from serving.answers.tables.table import ServedTable
from tests.serving.shop import AS_OF, publish_shop


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_bundle_is_opened_with_everything_it_has(settings: Settings) -> None:
    pointer = publish_shop(settings, "v1")
    served = load_bundle(open_bundle_store(settings.bundles_url), pointer)
    assert served.version == "v1"
    assert served.recommender is not None
    assert set(served.tables) == {"customers", "items"}
    assert None not in (served.forecasts, served.hierarchy, served.kpis, served.item_columns)
    assert served.as_of("churn") == served.as_of() == AS_OF
    assert abs(datetime.now(UTC) - served.loaded_at) < timedelta(minutes=1)


def test_a_bundle_without_families_serves_what_it_has(settings: Settings) -> None:
    pointer = publish_shop(settings, "v1", with_families=False)
    served = load_bundle(open_bundle_store(settings.bundles_url), pointer)
    assert served.recommender is None
    assert served.tables == {}
    assert served.as_of("churn") == served.manifest.window_end


def test_a_bundle_that_answers_a_replay_differently_is_refused(settings: Settings) -> None:
    pointer = publish_shop(settings, "v1", wrong_replay=True)
    with pytest.raises(BundleRefused, match="replay"):
        load_bundle(open_bundle_store(settings.bundles_url), pointer)


def test_the_time_of_an_items_row_is_that_of_the_recommenders_catalogue(settings: Settings) -> None:
    served = load_bundle(open_bundle_store(settings.bundles_url), publish_shop(settings, "v1"))
    rows = pa.table({c.ITEM_ID: ["tea"], c.UPDATED_AT: pa.array([AS_OF], c.TIMESTAMP)})
    served = replace(served, tables={"items": ServedTable(rows, c.ITEM_ID)})
    assert (served.row_updated_at("tea"), served.row_updated_at("pot")) == (AS_OF, None)
    older = msgspec.structs.replace(served.manifest.families["recommend"], bundle_version="v0")
    manifest = msgspec.structs.replace(served.manifest, families={"recommend": older})
    assert replace(served, manifest=manifest).row_updated_at("tea") is None
