import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from time import monotonic

import pytest

from contracts.bundle_store import BundleStore, open_bundle_store
from contracts.logs.catalogue import CatalogueLog
from contracts.settings import Settings
from recsys.recommender import Recommender
from recsys.request import Answer, Query
from serving import bundle_watcher
from serving.answers.catalogue_updates import CatalogueUpdates
from serving.answers.policy_watcher import PolicyWatcher
from serving.bundle_watcher import RETRY_REFUSED_SECONDS, BundleWatcher
from serving.http.telemetry import Telemetry
from tests.serving.shop import publish_shop


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def store(settings: Settings) -> BundleStore:
    return open_bundle_store(settings.bundles_url)


def wait_until_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    later = monotonic() + RETRY_REFUSED_SECONDS
    monkeypatch.setattr(bundle_watcher, "monotonic", lambda: later)


def version_path(settings: Settings, version: str) -> Path:
    return settings.home / "bundles" / version


def flip_a_byte(folder: Path) -> None:
    path = folder / "tables/customers.arrow"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def flip_a_byte_of_the_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b"clearly", b"Clearly", 1))


def remove_a_file(folder: Path) -> None:
    (folder / "tables/items.arrow").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "recommend/more.json").write_text("{}")


def link_a_file(folder: Path) -> None:
    path = folder / "tables/items.arrow"
    shutil.move(path, folder.parent / "elsewhere.arrow")
    path.symlink_to(folder.parent / "elsewhere.arrow")


def point_nowhere(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("v9 " + "0" * 64)


def point_outside(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("../../etc " + "0" * 64)


def empty_pointer(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("")


def lost_pointer(folder: Path) -> None:
    (folder.parent / "CURRENT").unlink()


DAMAGES = [
    flip_a_byte,
    flip_a_byte_of_the_manifest,
    remove_a_file,
    add_a_file,
    link_a_file,
    point_nowhere,
    point_outside,
    empty_pointer,
    lost_pointer,
]


def test_a_new_bundle_is_swapped_in_as_one_object(settings: Settings, store: BundleStore) -> None:
    watch = BundleWatcher(store)
    assert watch.refresh() is False
    assert watch.status().served_version is None
    assert "shopkeeper retrain" in watch.status().detail
    publish_shop(settings, "v1")
    assert watch.refresh() is True
    first = watch.served
    assert first is not None
    assert watch.refresh() is False
    assert watch.served is first
    publish_shop(settings, "v2")
    assert watch.refresh() is True
    assert watch.status().served_version == "v2"
    assert first.version == "v1"  # whoever holds the old one keeps it whole
    assert first.tables["customers"].row("customer-01") is not None
    store.rollback("v1")
    assert watch.refresh() is True
    assert watch.status().served_version == "v1"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_bundle_is_refused_loudly_and_the_old_one_serves(
    settings: Settings, store: BundleStore, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    publish_shop(settings, "v1")
    watch = BundleWatcher(store)
    watch.refresh()
    publish_shop(settings, "v2")
    damage(version_path(settings, "v2"))
    with caplog.at_level(logging.ERROR):
        assert watch.refresh() is False
        assert watch.refresh() is False
    assert watch.served is not None
    assert watch.served.version == "v1"
    assert watch.status().refused
    assert "v1 is still served" in watch.status().detail
    assert str(settings.home) not in watch.status().detail
    assert len([entry for entry in caplog.records if "refused" in entry.message]) == 1  # said once, not every 2 s
    assert b"shopkeeper_bundle_refused 1.0" in Telemetry(watch).exposition()
    store.rollback("v1")
    watch.refresh()
    assert not watch.status().refused
    assert b"shopkeeper_bundle_refused 0.0" in Telemetry(watch).exposition()


def test_an_undamaged_bundle_is_not_refused(settings: Settings, store: BundleStore) -> None:
    publish_shop(settings, "v1")
    publish_shop(settings, "v2")
    watch = BundleWatcher(store)
    assert watch.refresh() is True
    assert not watch.status().refused


def test_a_bundle_that_answers_differently_is_refused(settings: Settings, store: BundleStore) -> None:
    publish_shop(settings, "v1")
    watch = BundleWatcher(store)
    watch.refresh()
    publish_shop(settings, "v2", wrong_replay=True)
    watch.refresh()
    assert watch.status().served_version == "v1"
    assert watch.status().refused


def test_a_refused_bundle_is_tried_again_later(
    settings: Settings, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_shop(settings, "v1")
    moved = settings.home / "moved"
    shutil.move(version_path(settings, "v1"), moved)
    watch = BundleWatcher(store)
    watch.refresh()
    assert watch.status().refused
    assert "nothing can be served" in watch.status().detail
    shutil.move(moved, version_path(settings, "v1"))
    assert watch.refresh() is False  # hashing gigabytes every two seconds would starve the service
    wait_until_retry(monkeypatch)
    assert watch.refresh() is True


def test_a_bundle_that_cannot_answer_every_placement_is_refused(
    settings: Settings, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_shop(settings, "v1")
    watch = BundleWatcher(store)
    watch.refresh()
    publish_shop(settings, "v2")
    real = Recommender.recommend

    def broken(recommender: Recommender, query: Query) -> Answer:
        assert query.placement != "trending"
        return real(recommender, query)

    monkeypatch.setattr(Recommender, "recommend", broken)
    assert watch.refresh() is False
    assert watch.refresh() is False
    assert watch.served is not None
    assert watch.served.version == "v1"
    assert watch.status().refused
    monkeypatch.undo()
    wait_until_retry(monkeypatch)
    assert watch.refresh() is True
    assert not watch.status().refused


def test_replays_are_asked_before_the_policy_is_applied(settings: Settings, store: BundleStore) -> None:
    path = settings.home / "policy.toml"
    path.write_text('[default]\nexclude_categories = ["tea", "tools"]')
    publish_shop(settings, "v1")
    watch = BundleWatcher(store, PolicyWatcher(path))
    assert watch.refresh() is True
    assert watch.served is not None
    assert watch.served.recommender is not None
    assert watch.served.recommender.recommend(Query(customer_id="customer-01")).items == ()


def test_an_item_is_shown_from_its_launch_on_without_another_update(
    settings: Settings, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = CatalogueUpdates(CatalogueLog(settings.items_path))
    now = datetime.now(UTC)
    updates.append([("new", {"available_from": (now + timedelta(hours=1)).isoformat()})], now)
    publish_shop(settings, "v1")
    watch = BundleWatcher(store, updates=updates)
    watch.refresh()

    def shown() -> set[str]:
        assert watch.served is not None
        assert watch.served.recommender is not None
        return {item.item_id for item in watch.served.recommender.recommend(Query(k=50)).items}

    assert "new" not in shown()

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return now + timedelta(hours=2)

    monkeypatch.setattr(bundle_watcher, "datetime", Later)
    watch.refresh()
    assert "new" in shown()
