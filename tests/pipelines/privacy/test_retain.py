from datetime import timedelta
from pathlib import Path
from typing import get_args

from contracts.bundle_store import open_bundle_store
from contracts.privacy.erasable import DataClass
from pipelines.privacy.retain import RETENTION, retain
from pipelines.warehouse.warehouse import open_warehouse
from tests.pipelines.privacy.world import VERSION, world
from tests.pipelines.wire import NOW, START


def test_what_is_too_old_goes_and_the_rest_stays(tmp_path: Path) -> None:
    settings = world(tmp_path / "home")
    warehouse = open_warehouse(settings)
    lines, refused = warehouse.lines().count(), warehouse.quarantine().count()
    before = lines.to_pyarrow().as_py(), refused.to_pyarrow().as_py()
    kept = settings.model_copy(update={"retention_days": 36_500, "quarantine_days": 36_500, "bundle_days": 36_500})
    assert set(retain(kept).values()) == {0}
    deleted = retain(settings, START + timedelta(days=1096 + 2))  # the first two days are too old
    assert (deleted["warehouse"], deleted["bundles"]) == (3, 1)
    assert deleted["campaigns"] == 0
    after = open_warehouse(settings)
    assert after.lines().count().to_pyarrow().as_py() == before[0] - 3
    assert open_bundle_store(settings.bundles_url).versions() == [VERSION]
    assert retain(settings, NOW + timedelta(days=3_650))["campaigns"] == 1


def test_refused_records_go_by_their_receipt(tmp_path: Path) -> None:
    settings = world(tmp_path / "home")
    assert retain(settings, NOW + timedelta(days=90))["quarantine"] == 0
    assert retain(settings, NOW + timedelta(days=91))["quarantine"] == 3


def test_every_class_of_data_has_its_setting() -> None:
    assert set(RETENTION) == set(get_args(DataClass))
