"""The warehouse's index: which files hold its present state, replaced in one step.

Files are never changed. A write puts new files beside the old ones, syncs them, and then replaces `CURRENT.json`,
which lists the current files. A kill at any moment therefore leaves the old state or the new one. Files that are no
longer listed stay until the next write begins, so that a reader can finish.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.bundle import file_sha256
from contracts.errors import StorageError
from contracts.files.atomic import replace_file, sync

FORMAT: Final = 2
_WITHOUT_HASHES: Final = 1  # the format whose index has no hashes
CURRENT: Final = "CURRENT.json"
LEDGER: Final = "ingests.jsonl"
LOCK: Final = ".lock"
SYNC_THREADS: Final = 8
DATA_FOLDERS: Final = ("events", "tables")


class DayFile(msgspec.Struct, frozen=True):
    """The file with one UTC day's event lines."""

    path: str  # relative to the warehouse
    events: int
    lines: int
    sha256: str = ""  # hex; empty of a file that an earlier version wrote


class TableFile(msgspec.Struct, frozen=True):
    """The file with one of `schemas.TABLES`."""

    path: str  # relative to the warehouse
    sha256: str = ""


class LogPosition(msgspec.Struct, frozen=True):
    """How far the live event log has been read."""

    cursor: int = 0
    message_id: str = ""  # of the record at the cursor, empty if it was erased: a log with another is another log
    duplicates: int = 0  # of the log's own count, already reported


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present state of a warehouse, as names of files."""

    format: int = FORMAT
    generation: int = 0
    days: dict[str, DayFile] = {}
    tables: dict[str, TableFile] = {}
    log: LogPosition = LogPosition()
    ledger_bytes: int = 0  # how much of the ledger is valid


def load_index(root: Path) -> Index:
    """The index of the warehouse in `root`; an empty one where there is none. Raises StorageError if it is damaged."""
    try:
        index = _decoded((root / CURRENT).read_bytes())
    except FileNotFoundError:
        return Index()
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        raise StorageError(
            f"the warehouse's index {root / CURRENT} cannot be read ({error}). Restore it from a backup, or move the "
            "folder away and ingest the event files again."
        ) from None
    if index.format != FORMAT:
        raise StorageError(f"{root / CURRENT} has format {index.format}; this Shopkeeper reads format {FORMAT}.")
    return index


def _decoded(raw: bytes) -> Index:
    given = msgspec.json.decode(raw, type=dict[str, Any])
    if given.get("format") == _WITHOUT_HASHES:
        tables = {name: {"path": path} for name, path in given.get("tables", {}).items()}
        given |= {"format": FORMAT, "tables": tables}
    return msgspec.convert(given, Index)


def switch_index(root: Path, index: Index, entry: dict[str, Any] | None) -> Index:
    """Make `index` the present state and add `entry`, if there is one, to the ledger, both or neither."""
    written = index.ledger_bytes
    if entry is not None:
        written = _append(root / LEDGER, written, json.dumps(entry, default=str) + "\n")
    new = msgspec.structs.replace(index, ledger_bytes=written)
    replace_file(root / CURRENT, msgspec.json.encode(new))
    return new


def read_ledger(root: Path, index: Index) -> list[dict[str, Any]]:
    """One entry per ingest, oldest first."""
    if not index.ledger_bytes:
        return []
    with (root / LEDGER).open("rb") as file:
        return [json.loads(line) for line in file.read(index.ledger_bytes).splitlines()]


def remove_unlisted(root: Path, index: Index) -> None:
    """Delete what earlier writes left behind: files that the index does not name."""
    files: list[DayFile | TableFile] = [*index.days.values(), *index.tables.values()]
    listed = {root / file.path for file in files}
    for folder in DATA_FOLDERS:
        for path in (root / folder).rglob("*.parquet"):
            if path not in listed:
                path.unlink()


def sync_files(paths: list[Path]) -> None:
    """Make written files and their names durable."""
    folders = {ancestor for path in paths for ancestor in (path.parent, path.parent.parent)}
    with ThreadPoolExecutor(SYNC_THREADS) as threads:  # the disk syncs many at once as fast as one
        list(threads.map(sync, [*paths, *folders]))


def verify(root: Path, file: DayFile | TableFile) -> Path:
    """The file's path; StorageError where it is not as it was written. A file without a hash is taken as it is."""
    path = root / file.path
    try:
        found = file_sha256(path) if file.sha256 else ""
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error}). {_RESTORE}") from None
    if found != file.sha256:
        raise StorageError(f"{path} is damaged: its SHA-256 is {found}, written was {file.sha256}. {_RESTORE}")
    return path


_RESTORE: Final = "Restore the warehouse from a backup, or move it away and ingest the event files again."


def _append(path: Path, valid_bytes: int, text: str) -> int:
    """Write behind the valid part, over what a crash may have left there; the new length."""
    with path.open("ab") as file:
        file.truncate(valid_bytes)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        return file.tell()
