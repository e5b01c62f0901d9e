"""What the warehouse's index and the statistics of its files say about it, without starting an engine."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from contracts import columns as c
from contracts.time_units import from_microseconds
from pipelines.warehouse import file_index

LONGEST_SILENCE: Final = timedelta(days=28)  # between two days with events; more is a hole in the data


@dataclass(frozen=True)
class Overview:
    """How much is stored, from when to when, and what ingest has counted so far."""

    events: int
    first: datetime | None
    last: datetime | None
    currencies: frozenset[str]  # as stated on the first and on the last day
    ingests: list[dict[str, Any]]  # the ledger, oldest first
    log_cursor: int  # how far the live event log has been read

    @property
    def quarantined(self) -> dict[str, int]:
        """How many records all ingests refused, by code; the most frequent code first."""
        codes: Counter[str] = Counter()
        for entry in self.ingests:
            for counts in (entry, entry["catalogue"] or {}):
                codes.update(counts.get("quarantined_by_code", {}))
        return dict(codes.most_common())


def read_overview(root: Path) -> Overview:
    """The overview of the warehouse in `root`, empty where there is none. Raises StorageError if it is damaged."""
    index = file_index.load_index(root)
    days = sorted(index.days)
    files = [file_index.verify(root, index.days[day]) for day in (days[:1] + days[-1:])]
    times = [_statistics(file, c.OCCURRED_AT) for file in files]
    stated = {text.decode() for file in files for text in _statistics(file, c.CURRENCY) or ()}
    return Overview(
        events=sum(day.events for day in index.days.values()),
        first=from_microseconds(times[0][0]) if times and times[0] else None,
        last=from_microseconds(times[-1][1]) if times and times[-1] else None,
        currencies=frozenset(stated),
        ingests=file_index.read_ledger(root, index),
        log_cursor=index.log.cursor,
    )


def hole_before(days: Iterable[str], as_of: datetime) -> str:
    """A sentence about the latest hole of more than LONGEST_SILENCE in the stored days before the cut; empty: none."""
    known = sorted(day for day in map(date.fromisoformat, days) if day < as_of.date())
    holes = [(last, first) for last, first in pairwise([*known, as_of.date()]) if first - last > LONGEST_SILENCE]
    if not holes:
        return ""
    last, first = holes[-1]
    return (
        f"There is no event between {last} and {first}, for {(first - last).days - 1} days, so customers look gone. "
        f"Ingest the events of that time, or train as of its beginning: --as-of {last + timedelta(days=1)}."
    )


def _statistics(path: Path, name: str) -> tuple[Any, Any] | None:
    """The least and the greatest value of a column as they are stored, since Arrow reads times by pandas; else None."""
    metadata = pq.ParquetFile(path).metadata
    place = metadata.schema.names.index(name)
    groups = [metadata.row_group(number).column(place).statistics for number in range(metadata.num_row_groups)]
    stated = [(found.min_raw, found.max_raw) for found in groups if found is not None and found.has_min_max]
    return (min(least for least, _ in stated), max(greatest for _, greatest in stated)) if stated else None
