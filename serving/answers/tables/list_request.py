"""A list of customers or items: the request checked against the table, its rows, and the form they are given in.

The HTTP routes and the command line make their lists with this module.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts.errors import InputError
from serving.answers.exports.csv import csv_chunks
from serving.answers.exports.marketing import (
    CONTACT_FORMATS,
    allowed,
    contact_chunks,
    contacts,
    useful_columns,
    why_no_contacts,
)
from serving.answers.exports.parquet import parquet_chunks
from serving.answers.tables.filters import Filter, parse_filter
from serving.answers.tables.table import Found, ServedTable

MAX_SORT_KEYS: Final = 5
# Sorted by these columns, descending, where no sort is given: what may run out, what to order, what sells.
_DEFAULT_SORT: Final = {"items": ("stockout_probability", "order_quantity", "daily_units_recent")}

Chunks = Callable[[ServedTable, np.ndarray, Sequence[str]], Iterator[bytes]]
_FILE_CHUNKS: Final[dict[str, Chunks]] = {"csv": csv_chunks, "parquet": parquet_chunks}


@dataclass(frozen=True)
class ListOptions:
    """What a list was asked for, as text."""

    where: Sequence[str] = ()  # column:operator:value
    sort: str | None = None  # columns, separated by commas; '-' in front: descending
    columns: str | None = None  # separated by commas
    limit: int | None = None
    for_marketing: bool = False  # the contact forms imply it
    include_without_consent: bool = False
    held_out: Callable[[], tuple[str, ...]] | None = None  # control groups, left out for marketing


@dataclass(frozen=True)
class ListRequest:
    """The same, checked against the table's columns."""

    table: ServedTable
    form: str  # "csv", "parquet", one of CONTACT_FORMATS, or rows: "json", "table"
    filters: tuple[Filter, ...]
    consent: tuple[Filter, ...]  # added for marketing
    held_out: tuple[Filter, ...]  # the same: without the control groups of running campaigns
    sort: tuple[str, ...]
    columns: tuple[str, ...]  # empty: those that suit the form
    limit: int | None

    @property
    def shown_columns(self) -> Sequence[str]:
        """The requested columns, or those that suit the form."""
        default = useful_columns(self.table) if self.form in CONTACT_FORMATS else self.table.columns
        return self.columns or default

    def find(self, rows: int | None) -> Found:
        """The first `rows` rows, or all."""
        return self.table.find(self.filters + self.consent + self.held_out, self.sort, rows)

    def without_consent(self, found: Found) -> int:
        """How many rows the marketing consent leaves out."""
        return self.table.count(self.filters) - found.total - self.left_to_control_groups()

    def left_to_control_groups(self) -> int:
        """How many further rows are left out because a running campaign holds them out."""
        if not self.held_out:
            return 0
        allowed_rows = self.filters + self.consent
        return self.table.count(allowed_rows) - self.table.count(allowed_rows + self.held_out)

    def rows(self, positions: np.ndarray) -> list[dict[str, Any]]:
        """These rows, ready for JSON."""
        return self.table.rows_at(positions, self.shown_columns)

    def chunks(self, positions: np.ndarray) -> Iterator[bytes]:
        """These rows as a CSV or Parquet file."""
        return _FILE_CHUNKS[self.form](self.table, positions, self.shown_columns)

    def contact_file(
        self, found: Found, addresses: pa.Table | None = None, items: ServedTable | None = None
    ) -> tuple[Iterator[bytes], int]:
        """The contacts among the rows as a tool's import, and how many rows have no address of their own.

        Raises InputError if rows were found and the tool can take none of them.
        """
        tool = CONTACT_FORMATS[self.form]
        reached = contacts(tool, self.table, found.positions, addresses)
        problem = why_no_contacts(tool, found.total) if not len(reached.positions) else None
        if problem is not None:
            raise InputError(problem)
        chosen = reached.first(self.limit)
        return contact_chunks(tool, self.table, chosen, self.shown_columns, items), reached.left_out


def parse_list(kind: str, table: ServedTable, form: str, options: ListOptions) -> ListRequest:
    """Check the options for the table of `kind`; raises InputError, naming what exists."""
    filters = tuple(parse_filter(text, table.schema) for text in options.where)
    for condition in filters:
        table.require_known(condition)
    is_marketing = options.for_marketing or form in CONTACT_FORMATS
    if is_marketing and kind != "customers":
        raise InputError(f"{kind} are no contacts: `purpose` and the formats klaviyo and mailchimp are for customers.")
    sort = tuple(_names(options.sort or "")) or _default_sort(kind, table)
    if len(sort) > MAX_SORT_KEYS or len({name.removeprefix("-") for name in sort}) < len(sort):
        raise InputError(f"sort: at most {MAX_SORT_KEYS} columns, each once; {len(sort)} were given.")
    table.checked([name.removeprefix("-") for name in sort])
    columns = tuple(table.checked(list(dict.fromkeys(_names(options.columns or "")))))
    consent = (allowed(table),) if is_marketing and not options.include_without_consent else ()
    ids = options.held_out() if is_marketing and options.held_out is not None else ()
    held_out = (Filter(table.key, "not_in", ids),) if ids else ()
    return ListRequest(table, form, filters, consent, held_out, sort, columns, options.limit)


def _default_sort(kind: str, table: ServedTable) -> tuple[str, ...]:
    """Of customers: none, which is the order of their ids."""
    return tuple(f"-{name}" for name in _DEFAULT_SORT.get(kind, ()) if name in table.columns)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
