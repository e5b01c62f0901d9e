"""The warehouse: connect to the engine, read tables, write tables. Only this package does so.

Layout under the warehouse's folder: `events/day=YYYY-MM-DD/*.parquet`, `tables/*.parquet`, and the index, which says
which of these files count (`pipelines.warehouse.file_index`).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import ibis
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts import columns as c
from contracts.bundle import file_sha256
from contracts.errors import SettingsError
from contracts.exchange_rates import ExchangeRates, load_exchange_rates
from contracts.files.atomic import make_private
from contracts.files.lock import exclusive
from contracts.settings import PageOrders, Settings, url_path, url_scheme
from pipelines.warehouse import file_index as index_files
from pipelines.warehouse.backends import duckdb
from pipelines.warehouse.file_index import DayFile, LogPosition, TableFile, verify
from pipelines.warehouse.schemas import CONTENT_HASH, STORED, TABLES

COMPRESSION: Final = "zstd"
_REPETITIVE: Final = [name for name in STORED.names if name not in (c.MESSAGE_ID, c.TRAITS, CONTENT_HASH)]


class EventWindow(NamedTuple):
    """From when to when the stored events reach, and how many there are."""

    first: datetime | None
    last: datetime | None
    events: int


class Warehouse:
    """The state of one moment; events that are ingested later are seen by opening the warehouse again."""

    def __init__(
        self, root: Path, connection: Any, threads: int, rates: ExchangeRates, page_orders: PageOrders
    ) -> None:
        self.root = root
        self.rates = rates
        self.page_orders = page_orders
        self.connection = connection
        self.threads = threads
        self.index = index_files.load_index(root)
        self._verified: set[str] = set()  # paths of files that are as they were written

    def event_window(self) -> EventWindow:
        """First and last `occurred_at` and the number of events; (None, None, 0) for an empty warehouse."""
        lines = self.lines()
        at = lines[c.OCCURRED_AT]
        row = lines.agg(first=at.min(), last=at.max()).to_pyarrow().to_pylist()[0]
        return EventWindow(row["first"], row["last"], sum(day.events for day in self.index.days.values()))

    def identity_map(self) -> ibis.Table:
        """The customer of every id: `schemas.IDENTITY_MAP_WITH_CONSENT`."""
        return self.table("people")

    def consent(self) -> ibis.Table:
        """The latest consent of each customer, per purpose: `schemas.CONSENT`."""
        return self.table("consent")

    def quarantine(self) -> ibis.Table:
        """The refused records: `columns.QUARANTINE`."""
        return self.table("quarantine")

    def ingests(self) -> list[dict[str, Any]]:
        """The counts of every ingest so far, oldest first."""
        return index_files.read_ledger(self.root, self.index)

    def lines(self, days: Sequence[str] | None = None) -> ibis.Table:
        """The stored event lines of all days or of some, as they were sent and without their customers."""
        chosen = self.index.days if days is None else [day for day in days if day in self.index.days]
        return self.parquet(self.checked([self.index.days[day] for day in sorted(chosen)]), STORED)

    def table(self, name: str) -> ibis.Table:
        """One of `TABLES` as it is stored; empty where nothing was stored yet."""
        file = self.index.tables.get(name)
        return self.parquet(self.checked([file] if file else []), TABLES[name])

    def checked(self, files: Sequence[DayFile | TableFile]) -> list[Path]:
        """The paths of files, each checked once. Raises StorageError where one is not as it was written."""
        unchecked = [file for file in files if file.path not in self._verified]
        with ThreadPoolExecutor(self.threads) as threads:
            list(threads.map(lambda file: verify(self.root, file), unchecked))
        self._verified.update(file.path for file in unchecked)
        return [self.root / file.path for file in files]

    def parquet(self, paths: Sequence[Path], schema: pa.Schema) -> ibis.Table:
        """The files as one table; an empty table of the schema where there are no files."""
        if not paths:
            return self.register(schema.empty_table())
        return self.connection.read_parquet([str(path) for path in paths], hive_partitioning=False)

    def register(self, table: pa.Table) -> ibis.Table:
        """An Arrow table as a table of the engine, until the warehouse is closed."""
        nullable = pa.schema([field.with_nullable(True) for field in table.schema])  # as tables read from files are
        return self.cache(ibis.memtable(table.cast(nullable)))

    def cache(self, expression: ibis.Table) -> ibis.Table:
        """The expression's result as a temporary table of the engine, computed now."""
        return self.connection.create_table(ibis.util.gen_name("cache"), expression, temp=True)

    @contextmanager
    def writing(self) -> Iterator["Draft"]:
        """Hold the warehouse for writing. Nothing that the draft wrote counts until it is committed."""
        make_private(self.root)
        with exclusive(self.root / index_files.LOCK, "ingest"):
            self.index = index_files.load_index(self.root)
            index_files.remove_unlisted(self.root, self.index)
            yield Draft(self)


class Draft:
    """New files for the next state of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._generation = warehouse.index.generation + 1
        self._days = dict(warehouse.index.days)
        self._tables = dict(warehouse.index.tables)
        self._written: list[Path] = []

    def write_day(self, day: str, lines: pa.Table) -> None:
        """The lines of a UTC day from now on, sorted; none at all removes the day."""
        if not lines.num_rows:
            self.remove_day(day)
            return
        path = self._new_path(f"events/day={day}", "lines")
        pq.write_table(lines.cast(STORED), path, compression=COMPRESSION, use_dictionary=_REPETITIVE)
        heads = pc.sum(pc.equal(lines[c.LINE], 0)).as_py()
        name = str(path.relative_to(self._warehouse.root))
        self._days[day] = DayFile(name, heads, lines.num_rows, file_sha256(path))

    def remove_day(self, day: str) -> None:
        """No line of a UTC day from now on."""
        self._days.pop(day, None)

    def write_table(self, name: str, expression: ibis.Table) -> None:
        """The content of one of `TABLES` from now on."""
        path = self._new_path("tables", name)
        columns = expression.select(TABLES[name].names)
        self._warehouse.connection.to_parquet(columns, str(path), compression=COMPRESSION)
        self._tables[name] = TableFile(str(path.relative_to(self._warehouse.root)), file_sha256(path))

    def lines(self) -> ibis.Table:
        """The event lines as they are once this is committed."""
        return self._warehouse.parquet(self._warehouse.checked([self._days[day] for day in sorted(self._days)]), STORED)

    def table(self, name: str) -> ibis.Table:
        """One of `TABLES` as it is once this is committed."""
        file = self._tables.get(name)
        return self._warehouse.parquet(self._warehouse.checked([file] if file else []), TABLES[name])

    def commit(self, log: LogPosition, entry: dict[str, Any] | None) -> None:
        """Make everything written the warehouse's present state, durably and in one step.

        `entry` is that of the ledger of ingests; None where this is no ingest.
        """
        index_files.sync_files(self._written)
        index = msgspec.structs.replace(
            self._warehouse.index, generation=self._generation, days=self._days, tables=self._tables, log=log
        )
        self._warehouse.index = index_files.switch_index(self._warehouse.root, index, entry)

    def discard(self) -> None:
        """Delete everything written, as after a dry run."""
        for path in self._written:
            path.unlink(missing_ok=True)

    def _new_path(self, folder: str, name: str) -> Path:
        path = self._warehouse.root / folder / f"{name}-{self._generation:06}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._written.append(path)
        return path


# By URL scheme, the connection to the engine.
BACKENDS: Final[dict[str, Callable[[Settings], Any]]] = {"duckdb": duckdb.connect}


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the settings name. Raises SettingsError for an unknown scheme, StorageError for damage."""
    connect = BACKENDS.get(url_scheme(settings.warehouse_url))
    if connect is None:
        raise SettingsError(f"warehouse = {settings.warehouse_url!r}: the scheme must be one of {', '.join(BACKENDS)}.")
    rates = load_exchange_rates(settings.currency, settings.exchange_rates)
    return Warehouse(url_path(settings.warehouse_url), connect(settings), settings.threads, rates, settings.page_orders)
