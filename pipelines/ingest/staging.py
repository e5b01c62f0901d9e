"""Stage all records of a call: check them in chunks, and keep them until they are deduplicated together.

This process checks the first chunks; worker processes share any further ones. While the store's currency is unknown,
the first one stated becomes it, in the order of the records. A worker that did not know it and took another has its
chunk staged again.
"""

import multiprocessing
import shutil
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Final

from contracts.errors import StorageError
from contracts.events.rules import NO_RULES, EventRules
from contracts.privacy.tombstones import NO_TOMBSTONES, Tombstones
from contracts.progress import Progress
from pipelines.ingest.chunk import Chunk, StagedChunk, prepare_worker, stage_chunk
from pipelines.ingest.readers.record import Record
from pipelines.ingest.report import Counts
from pipelines.warehouse.currency import AcceptedCurrencies

ALONE_CHUNKS: Final = 6  # below, starting workers costs more than it saves
LARGE_BYTES: Final = 16 << 20  # of the files of a call: above, the workers start at once
PENDING_PER_WORKER: Final = 2  # bounds the memory of chunks that wait


class Staging:
    """A folder of staged parts, and the counts so far of each file that they came from."""

    def __init__(
        self,
        folder: Path,
        received_at: datetime,
        currencies: AcceptedCurrencies,
        workers: int,
        progress: Progress,
        rules: EventRules,
        tombstones: Tombstones = NO_TOMBSTONES,
    ) -> None:
        self.erased: dict[str, list[int]] = {}  # by file, the places of records of people who were erased before
        self._tombstones = tombstones
        self.counts: dict[str, Counts] = {}
        self._folder = folder
        self._received_at = received_at
        self.currencies = currencies
        self.rules = rules
        self._workers = workers
        self._progress = progress
        self._origins: list[str] = []  # of each chunk, by its number
        self._alone = ALONE_CHUNKS
        self._pool: ProcessPoolExecutor | None = None
        self._pending: deque[tuple[Chunk, Future[StagedChunk]]] = deque()

    def expect(self, size: int) -> None:
        """Start the workers at once where files of that many bytes will come; this process checks the first chunk."""
        if size >= LARGE_BYTES and self._workers > 1:
            self._alone = min(1, ALONE_CHUNKS)
            with _bare_main():
                self._workers_pool().submit(_nothing)

    def add(self, name: str, source: str, blocks: Iterable[Iterable[Record]]) -> None:
        """Stage the records of one file, under its name in the report; each block becomes a chunk."""
        self.counts.setdefault(name, Counts())
        for records in blocks:
            self._origins.append(name)
            number = len(self._origins) - 1
            at, rules = self._received_at, self.rules
            self._submit(Chunk(number, name, source, at, records, self.currencies, rules, self._tombstones))
            self._progress("read events", sum(counts.received for counts in self.counts.values()))

    def finish(self) -> None:
        """Wait until everything is staged. Until duplicates are counted, `stored` includes them."""
        while self._pending:
            self._collect()

    def count_duplicates(self, by_chunk: dict[int, int]) -> None:
        """Count events that turned out to be repeats, by chunk, as duplicates."""
        for number, events in by_chunk.items():
            counts = self.counts[self._origins[number]]
            counts.stored -= events
            counts.duplicate += events

    def parts(self, kind: str) -> list[Path]:
        """The files with staged `lines`, `skus`, `consent` or `quarantine` rows, in the order of the chunks."""
        return sorted(self._folder.glob(f"{kind}-*.parquet"))

    def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _submit(self, chunk: Chunk) -> None:
        if self._workers < 2 or chunk.number < self._alone:
            self._count(stage_chunk(chunk, self._folder))
            return
        with _bare_main():
            self._pending.append((chunk, self._workers_pool().submit(stage_chunk, chunk, self._folder)))
        if len(self._pending) > PENDING_PER_WORKER * self._workers:
            self._collect()

    def _workers_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: this process has threads of DuckDB and Arrow.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, initializer=prepare_worker)
        return self._pool

    def _collect(self) -> None:
        chunk, future = self._pending.popleft()
        try:
            staged = future.result()
        except BrokenProcessPool:
            raise StorageError(
                "a worker process of ingest ended unexpectedly, probably for lack of memory; nothing was stored. "
                "Free memory, or set SHOPKEEPER_THREADS=1, and run this again."
            ) from None
        if self.currencies.currency is not None and staged.currency not in (None, self.currencies.currency):
            for path in self._folder.glob(f"*-{chunk.number:06}.parquet"):
                path.unlink()
            staged = stage_chunk(replace(chunk, currencies=self.currencies), self._folder)
        self._count(staged)

    def _count(self, chunk: StagedChunk) -> None:
        self.currencies = replace(self.currencies, currency=self.currencies.currency or chunk.currency)
        counts = self.counts[self._origins[chunk.number]]
        counts.received += chunk.received
        counts.stored += chunk.accepted
        counts.suppressed += chunk.suppressed
        self.erased.setdefault(self._origins[chunk.number], []).extend(chunk.erased)
        counts.quarantined += chunk.quarantined
        counts.repaired += chunk.repaired
        counts.repairs += chunk.repairs


def _nothing() -> None:
    """The first task of the workers: it starts them."""


@contextmanager
def _bare_main() -> Iterator[None]:
    """Workers start without importing the main module again: it may take seconds, and they do not need it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def open_staging(
    folder: Path,
    received_at: datetime,
    currencies: AcceptedCurrencies,
    workers: int,
    progress: Progress,
    rules: EventRules = NO_RULES,
    tombstones: Tombstones = NO_TOMBSTONES,
) -> Iterator[Staging]:
    """Stage in `folder`, which is emptied before and removed after."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    staging = Staging(folder, received_at, currencies, workers, progress, rules, tombstones)
    try:
        yield staging
    finally:
        staging.close()
        shutil.rmtree(folder, ignore_errors=True)
