"""Published bundles. The current one is published anew without the person; earlier ones with the person are deleted."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from contracts.bundle import MANIFEST, Bundle, hash_files
from contracts.bundle_store import BundleStore, open_bundle_store
from contracts.errors import BundleRefused, NoBundle
from contracts.privacy.erasable import DataClass, Person
from contracts.settings import Settings
from pipelines.privacy.family_files import erase_from_files, rows_in_files, without_replays_of
from pipelines.publishing.publish import new_version


class PublishedStore:
    """`Erasable`. A running service follows within seconds."""

    name = "bundles"
    data_class: DataClass = "predictions"
    files = ("bundles/**/*",)

    def __init__(self, settings: Settings) -> None:
        self._store = open_bundle_store(settings.bundles_url)

    def export(self, person: Person) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for version in self._store.versions():
            folder = self._store.folder(version)
            rows += [{"bundle_version": version, **row} for row in rows_in_files(folder, person)]
        return rows

    def erase(self, person: Person) -> int:
        """Raises BundleRefused where the current bundle is damaged: publish again, then repeat this."""
        erased = 0
        current = _current(self._store)
        if current is not None:
            erased += _replaced(self._store, current, person)
        for version in self._store.versions():
            if version == _version(_current(self._store)):
                continue
            found = _count(self._store.folder(version), person)
            if found:
                self._store.remove(version)
                erased += found
        return erased

    def expire(self, before: datetime) -> int:
        current = _version(_current(self._store))
        old = [version for version in self._store.versions() if version != current and version < new_version(before)]
        for version in old:
            self._store.remove(version)
        return len(old)


def _current(store: BundleStore) -> Bundle | None:
    try:
        return store.open(store.current())
    except NoBundle:
        return None


def _version(bundle: Bundle | None) -> str | None:
    return bundle.version if bundle is not None else None


def _count(folder: Path, person: Person) -> int:
    """Rows, and whether the manifest names the person in a replay."""
    manifest = (folder / MANIFEST).read_bytes() if (folder / MANIFEST).is_file() else b""
    return sum(1 for _ in rows_in_files(folder, person)) + person.is_named_in(manifest)


def _replaced(store: BundleStore, bundle: Bundle, person: Person) -> int:
    """Publish the bundle without the person; returns how many rows that took. 0: the person is not in it."""
    manifest = bundle.manifest
    replays = {name: without_replays_of(each, person) for name, each in manifest.replays.items()}
    dropped = sum(map(len, manifest.replays.values())) - sum(map(len, replays.values()))
    if not dropped and not any(True for _ in rows_in_files(bundle.path, person)):
        return 0
    with store.draft() as draft:
        if store.current().version != bundle.version:
            raise BundleRefused(f"bundle {bundle.version} was replaced meanwhile; run this again.")
        shutil.copytree(bundle.path, draft, dirs_exist_ok=True)
        (draft / MANIFEST).unlink()
        erased = erase_from_files(draft, person)
        created_at = datetime.now(UTC)
        changed = msgspec.structs.replace(
            manifest,
            version=new_version(created_at),
            created_at=created_at,
            replays=replays,
            files=hash_files(draft),
        )
        store.publish(draft, changed)
    return erased + dropped
