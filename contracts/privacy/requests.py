"""Requests of people that are not done: a file each, with the ids, which goes when the request is done.

<home>/privacy/requests/<id>.json
"""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from contracts.errors import InputError, StorageError
from contracts.events.ids import MAX_ID_CHARS
from contracts.files.atomic import PRIVATE, replace_file
from contracts.privacy.tombstones import FOLDER_MODE, Tombstone, TombstoneFile

MAX_IDS: Final = 100

# "erase_shop": everything of the shop; a person does that, by deleting the home folder.
RequestKind = Literal["erase", "export", "erase_shop"]


class PrivacyRequest(msgspec.Struct, frozen=True):
    """What was asked for, by whom, and when."""

    id: str
    kind: RequestKind
    ids: list[str]  # user ids, anonymous ids, customer ids or e-mail addresses of one person
    asked_at: datetime


def ask(home: Path, kind: RequestKind, ids: list[str], asked_at: datetime) -> PrivacyRequest:
    """Record the request durably; of an erasure also the tombstones, by which the service hides the ids at once."""
    kept = sorted({each.strip() for each in ids if each.strip()})
    if not (kept or kind == "erase_shop") or len(kept) > MAX_IDS or any(len(each) > MAX_ID_CHARS for each in kept):
        raise InputError(f"ids: give 1 to {MAX_IDS} ids of one person, of at most {MAX_ID_CHARS} characters each.")
    request = PrivacyRequest(secrets.token_hex(8), kind, kept, asked_at)
    folder = _folder(home)
    for each in (folder.parent, folder):
        each.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    replace_file(folder / f"{request.id}.json", msgspec.json.encode(request), PRIVATE)
    if kind == "erase":
        TombstoneFile(home).mark(kept, Tombstone(asked_at))
    return request


def waiting_requests(home: Path) -> list[PrivacyRequest]:
    """The requests that are not done, oldest first; raises StorageError."""
    try:
        paths = _folder(home).glob("*.json")
        found = [msgspec.json.decode(path.read_bytes(), type=PrivacyRequest) for path in paths]
    except msgspec.MsgspecError as error:
        raise StorageError(f"a request in {_folder(home)} cannot be read ({error}). Ask again.") from None
    return sorted(found, key=lambda request: (request.asked_at, request.id))


def finish_request(home: Path, request: PrivacyRequest) -> None:
    """Forget a request that is done."""
    (_folder(home) / f"{request.id}.json").unlink(missing_ok=True)


def _folder(home: Path) -> Path:
    return home.resolve() / "privacy" / "requests"
