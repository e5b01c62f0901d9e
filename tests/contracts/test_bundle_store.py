"""The bundle store: published whole or not at all, rolled back, never changed."""

import os
from pathlib import Path

import numpy as np
import pytest

from contracts.bundle import (
    write_arrays,
)
from contracts.bundle_store import CURRENT, DRAFT, BundlePointer, FileBundleStore, open_bundle_store
from contracts.errors import BundleRefused, NoBundle, SettingsError, StorageError
from tests.bare_bundles import bare_manifest
from tests.contracts.published import publish


def test_rollback_goes_one_back_or_to_a_named_version(store: FileBundleStore) -> None:
    for version in ("v1", "v2", "v3"):
        publish(store, version)
    assert store.rollback().version == "v2"
    assert store.rollback("v3").version == "v3"
    assert store.rollback("v1").version == store.current().version == "v1"
    with pytest.raises(NoBundle, match="before the current"):
        store.rollback()
    with pytest.raises(NoBundle, match="v1, v2, v3"):
        store.rollback("v9")


def test_a_version_never_changes(store: FileBundleStore) -> None:
    publish(store, "v1")
    with pytest.raises(BundleRefused, match="already published"):
        publish(store, "v1")


def test_the_error_without_a_bundle_names_the_command(store: FileBundleStore) -> None:
    with pytest.raises(NoBundle, match="retrain"):
        store.current()


def test_a_killed_publisher_leaves_the_old_version_current_and_its_draft_is_removed(
    store: FileBundleStore, root: Path
) -> None:
    publish(store, "v1")
    draft = root / f"{DRAFT}killed"
    write_arrays(draft / "recommend", {"half": np.zeros(3)})
    assert store.current().version == "v1"
    assert store.versions() == ["v1"]
    publish(store, "v2")
    assert not draft.exists()


def test_of_two_who_publish_at_once_the_later_one_is_refused(store: FileBundleStore, root: Path) -> None:
    with store.draft() as draft:
        with pytest.raises(StorageError, match=f"another publish or rollback .process {os.getpid()}."):
            publish(FileBundleStore(root), "v2")
        assert draft.exists()
        store.publish(draft, bare_manifest(draft, "v1"))
    assert store.versions() == ["v1"]


def test_nobody_rolls_back_while_another_publishes(store: FileBundleStore, root: Path) -> None:
    for version in ("v1", "v2"):
        publish(store, version)
    with store.draft():
        with pytest.raises(StorageError, match=f"another publish or rollback .process {os.getpid()}."):
            FileBundleStore(root).rollback()
        assert store.current().version == "v2"
    assert store.rollback().version == "v1"


def test_a_draft_that_is_not_published_is_removed(store: FileBundleStore, root: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.draft() as draft:
        write_arrays(draft / "recommend", {"half": np.zeros(1 // 0)})
    assert list(root.glob(f"{DRAFT}*")) == []


def test_a_folder_in_the_place_of_current_is_refused(store: FileBundleStore, root: Path) -> None:
    publish(store, "v1")
    (root / CURRENT).unlink()
    (root / CURRENT).mkdir()
    with pytest.raises(BundleRefused, match="rollback --to"):
        store.current()


@pytest.mark.parametrize("version", ["../v1", "a/b", "", ".hidden", CURRENT, "x" * 65])
def test_a_version_is_a_plain_name(store: FileBundleStore, version: str) -> None:
    with pytest.raises(BundleRefused, match="not a bundle version"):
        store.open(BundlePointer(version, "0" * 64))


def test_an_unknown_scheme_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SettingsError, match="file"):
        open_bundle_store("s3://bucket/bundles")


def test_an_earlier_version_can_be_deleted_and_the_current_one_cannot(store: FileBundleStore) -> None:
    for version in ("v1", "v2"):
        publish(store, version)
    assert store.folder("v1").is_dir()
    store.remove("v1")
    assert not store.folder("v1").exists()
    assert store.versions() == ["v2"]
    with pytest.raises(StorageError, match="current"):
        store.remove("v2")
    with pytest.raises(NoBundle):
        store.remove("v1")
