"""Bundles: what was written is what is read; refused on any doubt."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from contracts.bundle import (
    FORMAT_VERSION,
    MANIFEST,
    Bundle,
    open_bundle,
    write_arrays,
)
from contracts.bundle_store import FileBundleStore
from contracts.errors import BundleRefused
from tests.bare_bundles import bare_manifest
from tests.contracts.published import publish


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
    with store.draft() as draft:
        (draft / "model.pkl").write_bytes(b"\x80\x04.")
        with pytest.raises(BundleRefused, match="suffix"):
            store.publish(draft, bare_manifest(draft, "v1"))


def test_object_arrays_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path, {"objects": np.array([{}], dtype=object)})
