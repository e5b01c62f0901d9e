"""The customers whom a campaign contacts, as a file that can be imported."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import InputError
from serving.answers.exports.csv import csv_chunks
from serving.answers.exports.marketing import (
    CONTACT_FORMATS,
    contact_chunks,
    contacts,
    useful_columns,
    why_no_contacts,
)
from serving.answers.tables.table import ServedTable

CSV: Final = "csv"


def campaign_file(
    form: str, ids: pa.ChunkedArray, addresses: pa.Table, published: pa.Table | None, items: ServedTable | None = None
) -> tuple[Iterator[bytes], int]:
    """The file of these customers, and how many the tool cannot take: none for CSV.

    `published` is the customers' table of the bundle, whose campaign columns are added. Raises InputError where the
    tool can take nobody.
    """
    table = ServedTable(_joined(ids, published), c.CUSTOMER_ID)
    everybody, columns = np.arange(len(table), dtype=np.int32), useful_columns(table)
    if form == CSV:
        rows = pc.index_in(table.keys_at(everybody), value_set=addresses[c.CUSTOMER_ID])
        with_email = _joined(ids, published).add_column(1, c.EMAIL, addresses[c.EMAIL].take(rows))
        return csv_chunks(ServedTable(with_email, c.CUSTOMER_ID), everybody, [c.CUSTOMER_ID, c.EMAIL, *columns]), 0
    tool = CONTACT_FORMATS[form]
    reached = contacts(tool, table, everybody, addresses)
    problem = why_no_contacts(tool, len(everybody)) if not len(reached.positions) else None
    if problem is not None:
        raise InputError(problem)
    return contact_chunks(tool, table, reached, columns, items), reached.left_out


def _joined(ids: pa.ChunkedArray, published: pa.Table | None) -> pa.Table:
    """The customers, sorted, with what the bundle says of those whom it knows."""
    chosen = pa.table({c.CUSTOMER_ID: ids.take(pc.sort_indices(ids))})
    if published is None:
        return chosen
    rows = pc.index_in(chosen[c.CUSTOMER_ID], value_set=published[c.CUSTOMER_ID])
    for name in published.column_names:
        if name != c.CUSTOMER_ID:
            chosen = chosen.append_column(name, published[name].take(rows))
    return chosen
