"""Bundles and their store: published whole, refused on any doubt, rolled back."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts.bundle import (
    FORMAT_VERSION,
    MANIFEST,
    Bundle,
    open_bundle,
    write_arrays,
    write_table,
)
from contracts.bundle_store import CURRENT, BundlePointer, FileBundleStore, open_bundle_store
from contracts.errors import BundleRefused, NoBundle, SettingsError
from tests.bare_bundles import bare_manifest


def publish(store: FileBundleStore, version: str) -> BundlePointer:
    draft = store.draft()
    write_arrays(draft / "recommend", {"scores": np.arange(6, dtype=np.float32).reshape(2, 3)})
    write_table(draft / "tables" / "items.arrow", pa.table({"item_id": ["a", "b"], "price": [1.0, None]}))
    (draft / "recommend" / "parameters.json").write_text('{"k": 20}')
    return store.publish(draft, bare_manifest(draft, version))


@pytest.fixture
def store(tmp_path: Path) -> FileBundleStore:
    return FileBundleStore(tmp_path / "bundles")


def test_what_was_published_is_what_is_read(store: FileBundleStore) -> None:
    pointer = publish(store, "v1")
    bundle = store.open(store.current())
    assert store.current() == pointer
    assert bundle.version == "v1"
    scores = bundle.arrays("recommend")["scores"]
    assert scores.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert isinstance(scores, np.memmap)
    assert bundle.table("tables/items.arrow").to_pydict() == {"item_id": ["a", "b"], "price": [1.0, None]}
    assert bundle.json("recommend/parameters.json") == {"k": 20}
    with pytest.raises(BundleRefused, match="has no file"):
        bundle.text("nothing.txt")


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
    with pytest.raises(BundleRefused, match="published already"):
        publish(store, "v1")


def test_nothing_published_says_what_to_do(store: FileBundleStore) -> None:
    with pytest.raises(NoBundle, match="retrain"):
        store.current()


def test_a_killed_publisher_leaves_the_old_version_current(store: FileBundleStore) -> None:
    publish(store, "v1")
    write_arrays(store.draft() / "recommend", {"half": np.zeros(3)})
    assert store.current().version == "v1"
    assert store.versions() == ["v1"]


def flip_a_byte(bundle: Path) -> None:
    path = bundle / "recommend" / "scores.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def cut_short(bundle: Path) -> None:
    path = bundle / "recommend" / "scores.npy"
    path.write_bytes(path.read_bytes()[:-1])


def remove_a_file(bundle: Path) -> None:
    (bundle / "recommend" / "scores.npy").unlink()


def add_a_file(bundle: Path) -> None:
    (bundle / "recommend" / "more.npy").write_bytes(b"")


def link_a_file(bundle: Path) -> None:
    path = bundle / "recommend" / "scores.npy"
    path.rename(bundle.parent / "elsewhere.npy")
    path.symlink_to(bundle.parent / "elsewhere.npy")


def edit_the_manifest(bundle: Path) -> None:
    path = bundle / MANIFEST
    path.write_text(path.read_text().replace('"v1"', '"v2"'))


def remove_the_manifest(bundle: Path) -> None:
    (bundle / MANIFEST).unlink()


@pytest.mark.parametrize(
    "damage", [flip_a_byte, cut_short, remove_a_file, add_a_file, link_a_file, edit_the_manifest, remove_the_manifest]
)
def test_a_damaged_bundle_is_refused(store: FileBundleStore, damage: Callable[[Path], None]) -> None:
    pointer = publish(store, "v1")
    path = store.open(pointer).path  # the control: it opens before the damage
    damage(path)
    with pytest.raises(BundleRefused):
        store.open(pointer)


def forge(path: Path, change: Callable[[dict[str, object]], None]) -> Bundle:
    """Change the manifest and its hash together, as somebody who owns the disk could."""
    manifest = json.loads((path / MANIFEST).read_text())
    change(manifest)
    raw = json.dumps(manifest).encode()
    (path / MANIFEST).write_bytes(raw)
    return open_bundle(path, sha256(raw).hexdigest())


def test_unknown_formats_and_fields_are_refused(store: FileBundleStore) -> None:
    path = store.open(publish(store, "v1")).path
    assert forge(path, lambda manifest: None).version == "v1"
    with pytest.raises(BundleRefused, match=f"format version {FORMAT_VERSION - 1}"):
        forge(path, lambda manifest: manifest.update(format_version=FORMAT_VERSION - 1))
    with pytest.raises(BundleRefused, match="surprise"):
        forge(path, lambda manifest: manifest.update(format_version=FORMAT_VERSION, surprise=1))


def test_files_that_could_execute_are_refused(store: FileBundleStore) -> None:
    draft = store.draft()
    (draft / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(BundleRefused, match="suffix"):
        store.publish(draft, bare_manifest(draft, "v1"))


def test_object_arrays_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path, {"objects": np.array([{}], dtype=object)})


@pytest.mark.parametrize("version", ["../v1", "a/b", "", ".hidden", CURRENT, "x" * 65])
def test_a_version_is_a_plain_name(store: FileBundleStore, version: str) -> None:
    with pytest.raises(BundleRefused, match="not a bundle version"):
        store.open(BundlePointer(version, "0" * 64))


def test_an_unknown_scheme_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SettingsError, match="file"):
        open_bundle_store("s3://bucket/bundles")
