from pathlib import Path

from pipelines.privacy.stores.registry import stores, unclaimed_files
from tests.pipelines.privacy.world import world


def test_every_file_is_claimed_and_one_that_is_not_is_named(tmp_path: Path) -> None:
    settings = world(tmp_path / "home")
    every = stores(settings)
    assert unclaimed_files(settings.home, every) == []
    (settings.home / "churn.csv").write_text("customer_id")
    assert unclaimed_files(settings.home, every) == ["churn.csv"]
    assert "warehouse/events" in str(unclaimed_files(settings.home, every[2:]))


def test_stores_have_names_of_their_own_and_bundles_come_last(tmp_path: Path) -> None:
    names = [store.name for store in stores(world(tmp_path / "home"))]
    assert len(set(names)) == len(names)
    assert names[-1] == "bundles"
