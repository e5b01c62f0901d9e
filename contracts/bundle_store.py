"""The bundle store: publish a version atomically, find the current one, roll back.

A version is written as a draft beside the others, synced and renamed. Then `CURRENT`, which names the current version,
is replaced in one step. A reader therefore sees the old bundle or the new one, never a part of either.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from contracts.bundle import MANIFEST, Bundle, Manifest, encode_manifest, open_bundle
from contracts.errors import BundleRefused, NoBundle, SettingsError, StorageError
from contracts.files.atomic import replace_file, sync
from contracts.files.lock import exclusive
from contracts.settings import url_path, url_scheme

CURRENT: Final = "CURRENT"
LOCK: Final = ".lock"
WRITER: Final = "publish or rollback"  # what only one process may do at a time
DRAFT: Final = ".draft-"  # how the names of drafts begin
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


@dataclass(frozen=True)
class BundlePointer:
    """One published version and its manifest's SHA-256."""

    version: str
    manifest_sha256: str


class BundleStore(Protocol):
    """Keeps published bundles."""

    def draft(self) -> AbstractContextManager[Path]:
        """A new, empty folder for the files of a bundle, which is removed unless it is published.

        Meanwhile nobody else can publish or roll back: raises StorageError if another process does either.
        """

    def publish(self, draft: Path, manifest: Manifest) -> BundlePointer:
        """Turn the draft into a version, and point CURRENT at it."""

    def current(self) -> BundlePointer:
        """The current version; raises NoBundle."""

    def versions(self) -> list[str]:
        """Every published version, oldest first."""

    def pointer(self, version: str) -> BundlePointer:
        """The pointer to a published version; raises NoBundle."""

    def rollback(self, version: str | None = None) -> BundlePointer:
        """Point CURRENT at `version`, or at the version before the current one; verifies it first.

        Raises StorageError while another process publishes or rolls back.
        """

    def open(self, pointer: BundlePointer) -> Bundle:
        """Verify and open a version; raises BundleRefused."""

    def folder(self, version: str) -> Path:
        """Where the files of a published version are; nothing of them is verified."""

    def remove(self, version: str) -> None:
        """Delete a version that is not the current one; raises StorageError, or NoBundle where there is none."""


class FileBundleStore:
    """Bundles in a folder of a local or mounted file system.

    Layout: <root>/<version>/ (see `contracts.bundle`), <root>/digests/<version>, <root>/CURRENT.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests = root / "digests"

    @contextmanager
    def draft(self) -> Iterator[Path]:
        with exclusive(self._root / LOCK, WRITER):
            for left_by_a_kill in self._root.glob(f"{DRAFT}*"):
                shutil.rmtree(left_by_a_kill, ignore_errors=True)
            draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self._root))
            try:
                yield draft
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    def publish(self, draft: Path, manifest: Manifest) -> BundlePointer:
        target = self._version_path(manifest.version)
        if target.exists():
            raise BundleRefused(f"version {manifest.version} is already published; versions never change.")
        raw = encode_manifest(manifest)
        (draft / MANIFEST).write_bytes(raw)
        pointer = BundlePointer(manifest.version, sha256(raw).hexdigest())
        open_bundle(draft, pointer.manifest_sha256)  # a reader would check the same
        _sync_tree(draft)
        draft.chmod(0o755)  # mkdtemp made it private; the service may run as another user
        draft.rename(target)
        sync(self._root)
        self._digests.mkdir(exist_ok=True)
        replace_file(self._digests / pointer.version, f"{pointer.manifest_sha256}\n".encode())
        self._point_at(pointer)
        return pointer

    def current(self) -> BundlePointer:
        try:
            version, digest = (self._root / CURRENT).read_text().split()
        except FileNotFoundError:
            raise NoBundle(f"no bundle is published in {self._root}. Run `shopkeeper retrain` first.") from None
        except (OSError, ValueError):
            raise BundleRefused(f"{self._root / CURRENT} is damaged. Run `shopkeeper rollback --to VERSION`.") from None
        self._version_path(version)
        return BundlePointer(version, digest)

    def versions(self) -> list[str]:
        if not self._digests.is_dir():
            return []
        return sorted(path.name for path in self._digests.iterdir() if _VERSION.fullmatch(path.name))

    def pointer(self, version: str) -> BundlePointer:
        versions = self.versions()
        if version not in versions:
            raise NoBundle(f"version {version!r} is not published; published are {', '.join(versions) or 'none'}.")
        return BundlePointer(version, (self._digests / version).read_text().strip())

    def rollback(self, version: str | None = None) -> BundlePointer:
        with exclusive(self._root / LOCK, WRITER):
            pointer = self.pointer(version if version is not None else self._version_before_current(self.versions()))
            self.open(pointer)
            self._point_at(pointer)
        return pointer

    def open(self, pointer: BundlePointer) -> Bundle:
        return open_bundle(self._version_path(pointer.version), pointer.manifest_sha256)

    def folder(self, version: str) -> Path:
        return self._version_path(version)

    def remove(self, version: str) -> None:
        with exclusive(self._root / LOCK, WRITER):
            pointer = self.pointer(version)
            if pointer == self.current():
                raise StorageError(f"version {version} is the current one and cannot be deleted.")
            (self._digests / version).unlink()
            shutil.rmtree(self._version_path(version))

    def _version_before_current(self, versions: list[str]) -> str:
        earlier = [v for v in versions if v < self.current().version]
        if not earlier:
            raise NoBundle("there is no version before the current one to roll back to.")
        return earlier[-1]

    def _version_path(self, version: str) -> Path:
        if not _VERSION.fullmatch(version) or version in {CURRENT, "digests"}:
            raise BundleRefused(f"{version!r} is not a bundle version; it has letters, digits, '.', '_' and '-' only.")
        return self._root / version

    def _point_at(self, pointer: BundlePointer) -> None:
        replace_file(self._root / CURRENT, f"{pointer.version} {pointer.manifest_sha256}\n".encode())


BUNDLE_STORES: Final[dict[str, Callable[[str], BundleStore]]] = {
    "file": lambda url: FileBundleStore(url_path(url)),
}


def open_bundle_store(url: str) -> BundleStore:
    """The bundle store that a URL names."""
    factory = BUNDLE_STORES.get(url_scheme(url))
    if factory is None:
        raise SettingsError(f"bundles = {url!r}: the scheme must be one of {', '.join(BUNDLE_STORES)}.")
    return factory(url)


def _sync_tree(root: Path) -> None:
    for path in (*root.rglob("*"), root):
        sync(path)
