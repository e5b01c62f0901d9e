"""Tombstones: by keyed hashes, the ids of people who were erased, and when.

    <home>/privacy/secret            32 random bytes, the key of the hashes and of the receipts' signatures
    <home>/privacy/tombstones.json   per hash: when the erasure was asked for, and when it was complete

They keep replays, restored backups and events that arrive late from bringing a person back. Without the secret nobody
can tell whose they are. Events after the erasure are those of a new customer.
"""

import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from contracts.errors import StorageError
from contracts.files.atomic import PRIVATE, replace_file
from contracts.files.lock import exclusive

FOLDER_MODE: Final = 0o700
SECRET_BYTES: Final = 32
HASH_BYTES: Final = 16


class Tombstone(msgspec.Struct, frozen=True, array_like=True):
    """When the erasure of an id was asked for, and how far it is."""

    erased_at: datetime
    drops: bool = False  # events of before are dropped: the person's other ids are known, too
    cleaned_at: datetime | None = None  # bundles that were made later hold nothing of the person; None: not erased yet


@dataclass(frozen=True)
class Tombstones:
    """All tombstones as of one moment. Processes can hand it to each other."""

    secret: bytes = b""
    entries: Mapping[str, Tombstone] = field(default_factory=dict)  # by hash

    def __bool__(self) -> bool:
        return bool(self.entries)

    def of(self, ids: Iterable[str | None]) -> Tombstone | None:
        """The latest tombstone among those of the ids."""
        if not self.entries:
            return None
        hashes = (hash_of(each, self.secret) for each in ids if each)
        found = [self.entries[each] for each in hashes if each in self.entries]
        return max(found, key=lambda tombstone: tombstone.erased_at, default=None)

    def suppresses(self, ids: Iterable[str | None], occurred_at: datetime | None) -> bool:
        """Whether an event of these ids must not be stored: it is not later than their erasure, or nobody knows."""
        found = self.of(ids)
        return found is not None and found.drops and (occurred_at is None or occurred_at <= found.erased_at)

    def hides(self, customer_ids: Iterable[str | None], made_at: datetime) -> bool:
        """Whether a bundle that was made then may still hold one of these customers, who must not be seen."""
        found = self.of(customer_ids)
        return found is not None and _may_hold(found, made_at)

    def may_hide(self, made_at: datetime) -> bool:
        """Whether there is anybody whom a bundle that was made then may still hold."""
        return any(_may_hold(each, made_at) for each in self.entries.values())


NO_TOMBSTONES: Final = Tombstones()


class TombstoneFile:
    """The tombstones on disk."""

    def __init__(self, home: Path) -> None:
        self.folder = home.resolve() / "privacy"
        self.path = self.folder / "tombstones.json"
        self._stamp: tuple[int, ...] | None = None
        self._loaded = NO_TOMBSTONES

    def current(self) -> Tombstones:
        """The tombstones now; the file is read again where it has changed. Raises StorageError."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return NO_TOMBSTONES
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._loaded = Tombstones(self.secret(), self._read())
            self._stamp = stamp
        return self._loaded

    def mark(self, ids: Collection[str], tombstone: Tombstone) -> None:
        """Give each of the ids this tombstone, durably."""
        secret = self.secret()
        changed = {hash_of(each, secret): tombstone for each in ids}
        with exclusive(self.folder / ".lock", "erasure", waits=True):
            replace_file(self.path, msgspec.json.encode(self._read() | changed), PRIVATE)

    def secret(self) -> bytes:
        """The secret; made at the first use. Raises StorageError where it was lost."""
        path = self.folder / "secret"
        if not path.exists():
            if self.path.exists():
                raise StorageError(f"{path} is missing, so the tombstones beside it say nothing. Restore both.")
            self.folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            with exclusive(self.folder / ".lock", "erasure", waits=True):
                if not path.exists():
                    replace_file(path, secrets.token_bytes(SECRET_BYTES), PRIVATE)
        return path.read_bytes()

    def _read(self) -> dict[str, Tombstone]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, Tombstone])
        except FileNotFoundError:
            return {}
        except (msgspec.MsgspecError, OSError) as error:
            raise StorageError(f"{self.path} cannot be read ({error}). Restore it from a backup.") from None


def _may_hold(tombstone: Tombstone, made_at: datetime) -> bool:
    return tombstone.cleaned_at is None or made_at <= tombstone.cleaned_at


def hash_of(text: str, secret: bytes) -> str:
    """The keyed hash of an id; of an e-mail address without upper case."""
    plain = text.strip()
    folded = plain.casefold() if "@" in plain else plain
    return blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES, key=secret).hexdigest()
