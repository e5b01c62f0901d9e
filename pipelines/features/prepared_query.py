"""A query that is written once and asked of many instants.

To write the SQL of the customers' features takes longer than a store of ordinary size takes to answer it, and training
asks for dozens of instants. So the query is a view over a table of one row, which says of which instants it is asked.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.features.as_of import UnsetInstant

_AT: Final = "at_{}"
_SECONDS: Final = "seconds_{}"
MAX_KEPT_ROWS: Final = 500_000  # of all answers of one query: some 150 MB of customers' features


class StandingQuery:
    """`write` says what is asked, given as many instants as it takes; calling the query with datetimes answers it.

    Answers are sorted by `key`. The latest are kept, for families that ask the same.
    """

    def __init__(self, backend: Any, instants: int, write: Callable[..., ibis.Table], key: Sequence[str]) -> None:
        numbers = range(instants)
        times = [pa.field(_AT.format(number), c.TIMESTAMP) for number in numbers]
        self._columns = pa.schema([*times, *(pa.field(_SECONDS.format(number), pa.float64()) for number in numbers)])
        self._backend, self._key = backend, key
        self._kept: OrderedDict[tuple[datetime, ...], pa.Table] = OrderedDict()
        self._name = ibis.util.gen_name("instants")
        asked = backend.create_table(self._name, schema=ibis.Schema.from_pyarrow(self._columns), temp=True)
        unset = [UnsetInstant(_scalar(asked, _AT, number), _scalar(asked, _SECONDS, number)) for number in numbers]
        answer = write(*unset)
        self._schema = answer.schema().to_pyarrow()
        self._view = backend.create_view(ibis.util.gen_name("answer"), answer)

    def __call__(self, *instants: datetime) -> pa.Table:
        """What is known of those instants."""
        if instants not in self._kept:
            self._kept[instants] = self._answered(instants)
        self._kept.move_to_end(instants)
        while len(self._kept) > 1 and sum(table.num_rows for table in self._kept.values()) > MAX_KEPT_ROWS:
            self._kept.popitem(last=False)
        return self._kept[instants]

    def _answered(self, instants: tuple[datetime, ...]) -> pa.Table:
        row = [pa.array([value]) for value in (*instants, *(at.timestamp() for at in instants))]
        asked = pa.table(row, self._columns.names).cast(self._columns)
        self._backend.insert(self._name, asked, overwrite=True)
        return self._view.to_pyarrow().cast(self._schema).sort_by([(name, "ascending") for name in self._key])


def _scalar(asked: ibis.Table, name: str, number: int) -> ibis.Value:
    return asked.select(name.format(number)).as_scalar()
