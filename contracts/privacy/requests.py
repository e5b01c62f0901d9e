"""Erasures that were asked for and are not done: a file each, with the ids, which goes with the erasure.

<home>/privacy/requests/<id>.json
"""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from contracts.errors import InputError, StorageError
from contracts.events.ids import MAX_ID_CHARS
from contracts.files.atomic import PRIVATE, replace_file
from contracts.privacy.tombstones import FOLDER_MODE, Tombstone, TombstoneFile

MAX_IDS: Final = 100


class ErasureRequest(msgspec.Struct, frozen=True):
    """Whose data is to be erased, and when that was asked for."""

    id: str
    ids: list[str]  # user ids, anonymous ids, customer ids or e-mail addresses of one person
    asked_at: datetime


def ask_for_erasure(home: Path, ids: list[str], asked_at: datetime) -> ErasureRequest:
    """Record the request durably, then the tombstones, by which the service hides the ids at once."""
    kept = sorted({each.strip() for each in ids if each.strip()})
    if not kept or len(kept) > MAX_IDS or any(len(each) > MAX_ID_CHARS for each in kept):
        raise InputError(f"ids: give 1 to {MAX_IDS} ids of one person, of at most {MAX_ID_CHARS} characters each.")
    request = ErasureRequest(secrets.token_hex(8), kept, asked_at)
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    replace_file(folder / f"{request.id}.json", msgspec.json.encode(request), PRIVATE)
    TombstoneFile(home).mark(kept, Tombstone(asked_at))
    return request


def waiting_requests(home: Path) -> list[ErasureRequest]:
    """The requests that are not done, oldest first; raises StorageError."""
    try:
        paths = _folder(home).glob("*.json")
        found = [msgspec.json.decode(path.read_bytes(), type=ErasureRequest) for path in paths]
    except msgspec.MsgspecError as error:
        raise StorageError(f"a request in {_folder(home)} cannot be read ({error}). Ask again.") from None
    return sorted(found, key=lambda request: (request.asked_at, request.id))


def finish_request(home: Path, request: ErasureRequest) -> None:
    """Forget a request that is done."""
    (_folder(home) / f"{request.id}.json").unlink(missing_ok=True)


def _folder(home: Path) -> Path:
    return home.resolve() / "privacy" / "requests"
