"""Batch item signals: columns that families publish on items (stock alerts, overstock, trends), for use in a policy.

Requests cannot use them: a storefront key must not reveal which items are short of stock.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

from contracts import columns as c
from recsys.data.attributes import Attributes
from recsys.data.vocabulary import Vocabulary


class BatchItemSignals:
    """Columns of the items' table, which stay memory-mapped until a policy uses them.

    `names` are the columns made by families; `ids` are the recommender's items, which define the order of the values.
    """

    def __init__(self, table: pa.Table, names: Iterable[str], ids: Vocabulary) -> None:
        self._table = table
        self._ids = ids
        self.names = frozenset(name for name in names if name in table.column_names)

    def attributes(self, wanted: Iterable[str]) -> Attributes:
        """The wanted columns that exist, as numbers and texts; columns of other types are left out."""
        fields = [self._table.schema.field(name) for name in sorted(self.names.intersection(wanted))]
        numbers = {field.name: self._numbers(field.name) for field in fields if _is_number(field.type)}
        texts = {field.name: self._texts(field.name) for field in fields if _is_text(field.type)}
        return Attributes.of_columns(numbers, texts, len(self._ids))

    @cached_property
    def _rows(self) -> np.ndarray:
        """(items,) int64: each item's row in the table; the number of rows if it has none."""
        places = self._ids.indices(self._table.column(c.ITEM_ID).to_pylist())
        rows = np.full(len(self._ids), self._table.num_rows)
        rows[places[places >= 0]] = np.flatnonzero(places >= 0)
        return rows

    def _numbers(self, name: str) -> np.ndarray:
        values = self._table.column(name).cast(pa.float64()).to_numpy()
        return np.append(values, np.nan)[self._rows]

    def _texts(self, name: str) -> Sequence[str | None]:
        values = [*self._table.column(name).to_pylist(), None]
        return [values[row] for row in self._rows.tolist()]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
