"""SQLite databases whose commits survive a power cut: open one, and write in transactions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

from contracts.errors import StorageError
from contracts.files.atomic import PRIVATE

# The WAL-reset bug can corrupt a database that several connections use: https://sqlite.org/wal.html#walresetbug
FIRST_SAFE_SQLITE: Final = (3, 51, 3)
BUSY_TIMEOUT_MS: Final = 5_000
MAX_WAL_BYTES: Final = 64 * 1024 * 1024  # kept of a write-ahead log that once was larger


@dataclass(frozen=True)
class Database:
    """What a database holds: its tables and their version, which SQLite keeps as `user_version`."""

    name: str  # for messages
    version: int
    tables: str  # the statements that create them
    error: type[StorageError]  # what is raised where it cannot be used
    use_wal: bool = False  # SQLite's write-ahead log: readers do not wait for writers
    # By earlier version, what makes a database of the present one of it.
    upgrades: Mapping[int, Callable[[apsw.Connection], None]] = field(default_factory=dict)


def open_database(path: Path, database: Database) -> apsw.Connection:
    """Open the file, or create it. Every commit is synced. Raises the database's error."""
    version = apsw.sqlite_lib_version()
    if database.use_wal and tuple(map(int, version.split("."))) < FIRST_SAFE_SQLITE:
        needed = ".".join(map(str, FIRST_SAFE_SQLITE))
        raise database.error(
            f"SQLite {version} can corrupt a write-ahead log; {needed} or later is needed. Install a newer apsw."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(PRIVATE)
        path.chmod(PRIVATE)  # SQLite gives the files beside it the same permissions
        connection = apsw.Connection(str(path))
        _prepare(connection, path, database)
    except database.error:
        connection.close()
        raise
    except (apsw.Error, OSError) as error:
        raise database.error(f"cannot open the {database.name} {path}: {error}") from error
    return connection


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Write all or nothing. Other writers wait from the beginning of the block."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _prepare(connection: apsw.Connection, path: Path, database: Database) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file: what is deleted gives its place back
    connection.execute("PRAGMA secure_delete=ON")  # and is overwritten
    if database.use_wal:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA journal_size_limit={MAX_WAL_BYTES}")
    connection.execute("PRAGMA synchronous=FULL")
    if connection.pragma("user_version") == database.version:
        return
    with transaction(connection):
        version = connection.pragma("user_version")  # another process may have been faster
        if version == 0:
            connection.execute(database.tables)
        elif version in database.upgrades:
            database.upgrades[version](connection)
        elif version != database.version:
            raise database.error(f"{path} has schema version {version}; this Shopkeeper writes {database.version}.")
        connection.execute(f"PRAGMA user_version={database.version}")
