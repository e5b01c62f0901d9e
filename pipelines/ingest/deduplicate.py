"""Deduplicate staged events against each other and the stored ones, and write the files of the days that change.

Of several events with one message id, the one that comes first in `PRECEDENCE` is kept. So the stored set depends on
what was ingested, and not on the order or the calls in which it came.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.progress import Progress
from contracts.time_units import MICROSECONDS_PER_DAY
from pipelines.ingest.chunk import SEQUENCES_PER_CHUNK
from pipelines.ingest.precedence import (
    DROPPED_HASH,
    DROPPED_SOURCE,
    IS_REPLACED,
    KEPT_HASH,
    KEPT_SOURCE,
    PRECEDENCE,
    conflicts_of,
    is_before,
    with_precedence,
)
from pipelines.ingest.report import Conflict
from pipelines.warehouse.schemas import CONTENT_HASH, SEQUENCE, STAGED, STORED
from pipelines.warehouse.warehouse import Draft, Warehouse

LINES_AT_ONCE: Final = 250_000
_HEAD: Final = (c.MESSAGE_ID, *PRECEDENCE, c.OCCURRED_AT)
_STORED_PREFIX: Final = "stored_"
_KEPT_PREFIX: Final = "kept_"
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Deduplicated:
    """The result of a deduplication."""

    duplicates: Counter[int]  # by staged chunk
    added: ibis.Table  # `schemas.STAGED`: the lines that are new
    has_replaced: bool  # whether a new event replaced a stored one
    conflicts: list[Conflict]


def deduplicate_events(warehouse: Warehouse, parts: Sequence[Path], draft: Draft, progress: Progress) -> Deduplicated:
    """Write every day that changes into the draft; nothing is visible before it is committed."""
    progress("find duplicates")
    staged = warehouse.parquet(parts, STAGED)
    heads = with_precedence(staged.filter(ibis._[c.LINE] == 0)).select(*_HEAD, SEQUENCE)
    repeats = warehouse.cache(_repeats_within(heads))
    rivals = warehouse.cache(_rivals(heads.anti_join(repeats, SEQUENCE), warehouse.lines()))
    wins = is_before(rivals, _STORED_PREFIX)
    refused = rivals.filter(~wins)
    lost = warehouse.cache(repeats.select(SEQUENCE).union(refused.select(SEQUENCE)))
    replaced = warehouse.cache(rivals.filter(wins))
    conflicts = conflicts_of(
        _dropped(repeats, "", _KEPT_PREFIX, 0)
        .union(_dropped(refused, "", _STORED_PREFIX, 0))
        .union(_dropped(replaced, _STORED_PREFIX, "", 1))
    )
    added = staged.anti_join(lost, SEQUENCE)
    days = _changed_days(added, replaced)
    _write_days(_Change(warehouse, added, replaced.select(c.MESSAGE_ID)), days, draft, progress)
    duplicates = Counter(_per_chunk(lost)) + Counter(_per_chunk(replaced))
    return Deduplicated(duplicates, added, bool(replaced.count().to_pyarrow().as_py()), conflicts)


def _repeats_within(heads: ibis.Table) -> ibis.Table:
    """The heads of staged events that another staged event replaces, with those of the others."""
    repeated = heads.group_by(c.MESSAGE_ID).agg(copies=ibis._.count()).filter(ibis._.copies > 1)
    rank = ibis.row_number().over(group_by=c.MESSAGE_ID, order_by=[*PRECEDENCE, SEQUENCE])
    placed = heads.semi_join(repeated, c.MESSAGE_ID).mutate(place=rank)
    kept = placed.filter(placed.place == 0).select(_HEAD).rename({f"{_KEPT_PREFIX}{name}": name for name in _HEAD})
    dropped = placed.filter(placed.place > 0).drop("place")
    return dropped.inner_join(kept, dropped[c.MESSAGE_ID] == kept[f"{_KEPT_PREFIX}{c.MESSAGE_ID}"])


def _rivals(heads: ibis.Table, lines: ibis.Table) -> ibis.Table:
    """Staged events whose message id is stored already, joined to the stored ones."""
    found = lines.filter(ibis._[c.LINE] == 0).semi_join(heads, c.MESSAGE_ID)
    stored = with_precedence(found).select(_HEAD)
    renamed = stored.rename({f"{_STORED_PREFIX}{name}": name for name in _HEAD})
    return heads.inner_join(renamed, heads[c.MESSAGE_ID] == renamed[f"{_STORED_PREFIX}{c.MESSAGE_ID}"])


def _dropped(pairs: ibis.Table, dropped: str, kept: str, is_replaced: int) -> ibis.Table:
    """What `conflicts_of` takes, from pairs of heads; the prefixes say which one of a pair is dropped."""
    return pairs.select(
        **{
            KEPT_SOURCE: pairs[f"{kept}{c.SOURCE}"],
            KEPT_HASH: pairs[f"{kept}{CONTENT_HASH}"],
            DROPPED_SOURCE: pairs[f"{dropped}{c.SOURCE}"],
            DROPPED_HASH: pairs[f"{dropped}{CONTENT_HASH}"],
            IS_REPLACED: ibis.literal(is_replaced, "int64"),
        }
    )


def _per_chunk(sequences: ibis.Table) -> dict[int, int]:
    chunk = (sequences[SEQUENCE] // SEQUENCES_PER_CHUNK).cast("int64").name("chunk")
    counted = sequences.group_by(chunk).agg(events=ibis._.count()).to_pyarrow()
    return dict(zip(counted["chunk"].to_pylist(), counted["events"].to_pylist(), strict=True))


def _changed_days(added: ibis.Table, replaced: ibis.Table) -> dict[date, int]:
    """The UTC days whose files change, in order, with the number of lines that they gain."""
    gained = added.group_by(day=added[c.OCCURRED_AT].date()).agg(lines=ibis._.count())
    vacated = replaced.select(day=replaced[f"{_STORED_PREFIX}{c.OCCURRED_AT}"].date(), lines=ibis.literal(0, "int64"))
    rows = gained.union(vacated).group_by("day").agg(lines=ibis._.lines.sum()).order_by("day").to_pyarrow()
    return dict(zip(rows["day"].to_pylist(), rows["lines"].to_pylist(), strict=True))


@dataclass(frozen=True)
class _Change:
    warehouse: Warehouse
    added: ibis.Table
    replaced: ibis.Table  # message ids

    def lines_of(self, days: Sequence[date]) -> pa.Table:
        """All lines of some consecutive changed days after this ingest, sorted."""
        start, end = _midnight(days[0]), _midnight(days[-1] + timedelta(days=1))
        fresh = self.added.filter(ibis._[c.OCCURRED_AT] >= start, ibis._[c.OCCURRED_AT] < end).select(STORED.names)
        kept = self.warehouse.lines([day.isoformat() for day in days]).anti_join(self.replaced, c.MESSAGE_ID)
        everything = fresh.union(kept.select(STORED.names))
        return everything.to_pyarrow().sort_by([(name, "ascending") for name in (c.OCCURRED_AT, c.MESSAGE_ID, c.LINE)])


def _write_days(change: _Change, days: dict[date, int], draft: Draft, progress: Progress) -> None:
    done, total = 0, len(days)
    stored = {day: file.lines for day, file in change.warehouse.index.days.items()}
    writes: list[Future[None]] = []
    with ThreadPoolExecutor(change.warehouse.threads) as writers:
        for group in _groups(days, stored):
            progress("write days", done, total)
            lines = change.lines_of(group)  # while the previous group is written
            _wait(writes)
            writes = [writers.submit(draft.write_day, day.isoformat(), part) for day, part in _by_day(lines, group)]
            done += len(group)
        _wait(writes)


def _wait(writes: list[Future[None]]) -> None:
    for write in writes:
        write.result()


def _by_day(lines: pa.Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
    """The sorted lines of each day; none for a day of which nothing is left."""
    at = lines[c.OCCURRED_AT].cast(pa.int64()).to_numpy()  # (lines,) microseconds
    midnights = np.array([day.toordinal() - _EPOCH for day in days]) * MICROSECONDS_PER_DAY
    starts, ends = np.searchsorted(at, midnights), np.searchsorted(at, midnights + MICROSECONDS_PER_DAY)
    for day, start, end in zip(days, starts, ends, strict=True):
        yield day, lines.slice(start, end - start)


def _groups(days: dict[date, int], stored: dict[str, int]) -> Iterator[list[date]]:
    """Groups of consecutive days whose lines fit into memory."""
    group: list[date] = []
    size = 0
    for day, gained in days.items():
        lines = gained + stored.get(day.isoformat(), 0)
        if group and size + lines > LINES_AT_ONCE:
            yield group
            group, size = [], 0
        group.append(day)
        size += lines
    if group:
        yield group


def _midnight(day: date) -> ibis.Value:
    return ibis.literal(datetime(day.year, day.month, day.day, tzinfo=UTC))
