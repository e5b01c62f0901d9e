"""Demand forecasts of the store, its categories and its channels, found by row number in two tables."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import BundleRefused, InputError
from serving.answers.exports.csv import cells_as_text, csv_header, csv_rows
from serving.answers.forecasts.items import days_of, units_of

SHOWN_NAMES: Final = 20
_CSV_COLUMNS: Final = {
    c.NODE_NAME: "name",
    c.DATE: "date",
    c.UNITS_LOW: "low",
    c.UNITS_MEDIAN: "median",
    c.UNITS_HIGH: "high",
    c.UNITS_MEAN: "mean",
}
# Why a bundle may lack a level, and what to do about it.
_NEEDED: Final = {
    "category": "Categories are forecast where items have them: send `category` with events, or ingest a catalogue.",
    "channel": "Channels are forecast where the parameter `by_channel` of the family demand is true.",
}

By = Literal["total", "category", "channel"]


class Nodes(NamedTuple):
    """The requested nodes, best sellers first.

    `totals` has one row per node; `days` has one row per node and period, in the same order. `known` is the number of
    nodes of the level.
    """

    by: By
    known: int
    totals: pa.Table
    days: pa.Table

    @property
    def periods(self) -> int:
        return int(self.days.num_rows // max(self.totals.num_rows, 1))


class HierarchyForecasts:
    """Tables `columns.LEVEL_FORECAST` and `columns.LEVEL_TOTALS`; memory-mapped, an answer reads only its own rows.

    Raises BundleRefused if a column is missing, or if the two tables do not have the same nodes in the same order.
    """

    def __init__(self, days: pa.Table, totals: pa.Table) -> None:
        self._days = _with_columns("forecast of levels", days, c.LEVEL_FORECAST)
        self._totals = _with_columns("totals of levels", totals, c.LEVEL_TOTALS)
        _check_same_nodes(days, totals)
        self._periods = days.num_rows // max(totals.num_rows, 1)
        self._spans = _spans(totals)
        names = totals[c.NODE_NAME].to_pylist()
        self._rows = {(level, names[row]): row for level, span in self._spans.items() for row in span}

    @property
    def levels(self) -> list[str]:
        return list(self._spans)

    def nodes(self, by: By = "total", name: str | None = None, limit: int | None = None) -> Nodes:
        """The nodes of a level, at most `limit` of them, or the named one.

        Raises InputError, naming what exists, if there is no such level or no such node.
        """
        if by not in self._spans:
            known = ", ".join(self._spans)
            raise InputError(f"by: this store has no forecast by {by}; it has those by {known}. {_NEEDED.get(by, '')}")
        span = self._spans[by]
        first = span.start if name is None else self._row(by, name)
        count = min(len(span), limit or len(span)) if name is None else 1
        days = self._days.slice(first * self._periods, count * self._periods)
        return Nodes(by, len(span), self._totals.slice(first, count), days)

    def _row(self, by: By, name: str) -> int:
        row = self._rows.get((by, name))
        if row is None:
            span = self._spans[by]
            shown = self._totals[c.NODE_NAME].slice(span.start, min(len(span), SHOWN_NAMES)).to_pylist()
            more = f" and {len(span) - SHOWN_NAMES:,} more" if len(span) > SHOWN_NAMES else ""
            raise InputError(
                f"name: there is no forecast of the {by} {name[:80]!r}; there are {', '.join(map(repr, shown))}{more}."
            )
        return row


def level_csv(nodes: Nodes) -> bytes:
    """A header, then one row per node and period; safe to open in a spreadsheet."""
    columns = [cells_as_text(nodes.days[column]) for column in _CSV_COLUMNS]
    return csv_header(list(_CSV_COLUMNS.values())) + csv_rows(columns)


def level_json(nodes: Nodes, bundle_version: str, as_of: datetime) -> dict[str, Any]:
    """The answer over HTTP and of the command line."""
    return {
        "bundle_version": bundle_version,
        "as_of": as_of,
        "by": nodes.by,
        "known": nodes.known,
        "rows": list(_rows(nodes)),
    }


def _rows(nodes: Nodes) -> Iterator[dict[str, Any]]:
    days = days_of(nodes.days)
    totals = zip(nodes.totals[c.NODE_NAME].to_pylist(), units_of(nodes.totals), strict=True)
    for node, (name, total) in enumerate(totals):
        yield {"name": name, "total": total, "days": days[node * nodes.periods : (node + 1) * nodes.periods]}


def _with_columns(name: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    missing = set(schema.names) - set(table.column_names)
    if missing:
        raise BundleRefused(f"the {name} lacks the columns {sorted(missing)}.")
    return table.select(schema.names)


def _check_same_nodes(days: pa.Table, totals: pa.Table) -> None:
    """The periods of a node stand together, in the order of the totals: a row number says whose it is."""
    periods, rest = divmod(days.num_rows, max(totals.num_rows, 1))
    node = pa.array(np.repeat(np.arange(totals.num_rows), periods))
    is_same = not rest and all(
        pc.all(pc.equal(days[column], totals[column].take(node)), min_count=0).as_py()
        for column in (c.LEVEL, c.NODE_NAME)
    )
    if not is_same:
        raise BundleRefused("the forecast of levels and their totals do not have the same nodes in the same order.")


def _spans(totals: pa.Table) -> dict[str, range]:
    """The rows of each level in the totals."""
    spans: dict[str, range] = {}
    first = 0
    for level, rows in groupby(totals[c.LEVEL].to_pylist()):
        if level in spans:
            raise BundleRefused(f"the totals of levels have the level {level!r} in two places.")
        spans[level] = range(first, first := first + len(list(rows)))
    return spans
