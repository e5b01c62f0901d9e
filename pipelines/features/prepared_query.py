"""A query that is compiled once and run for many cut-offs.

Compiling the SQL of the customers' features takes longer than running it on a store of ordinary size, and training
needs dozens of cut-offs. The query is a view, whose bound parameters are read from a table of one row.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import ibis
import pyarrow as pa

from contracts import columns as c

MAX_CACHED_ROWS: Final = 500_000  # of all results of one query: some 150 MB of customers' features


class PreparedQuery:
    """`build` makes the query from as many timestamps as there are `parameters`; calling it with datetimes runs it.

    Results are sorted by `key`. The latest are cached, for families that need the same. `before_run` is called with the
    datetimes before the query runs; it may change a table that the query reads.
    """

    def __init__(
        self,
        backend: Any,
        parameters: Sequence[str],
        build: Callable[..., ibis.Table],
        key: Sequence[str],
        before_run: Callable[..., None] | None = None,
    ) -> None:
        self._backend, self._key, self._before_run = backend, key, before_run
        self._schema = pa.schema([(name, c.TIMESTAMP) for name in parameters])
        self._table = ibis.util.gen_name("parameters")
        bound = backend.create_table(self._table, schema=ibis.Schema.from_pyarrow(self._schema), temp=True)
        query = build(*(bound.select(name).as_scalar() for name in parameters))
        self._result_schema = query.schema().to_pyarrow()
        self._view = backend.create_view(ibis.util.gen_name("prepared"), query)
        self._cached: OrderedDict[tuple[datetime, ...], pa.Table] = OrderedDict()

    def __call__(self, *times: datetime) -> pa.Table:
        """The query's result for these parameters."""
        if times not in self._cached:
            self._cached[times] = self._run(times)
        self._cached.move_to_end(times)
        while len(self._cached) > 1 and sum(table.num_rows for table in self._cached.values()) > MAX_CACHED_ROWS:
            self._cached.popitem(last=False)
        return self._cached[times]

    def _run(self, times: tuple[datetime, ...]) -> pa.Table:
        if self._before_run is not None:
            self._before_run(*times)
        row = pa.table([pa.array([at], c.TIMESTAMP) for at in times], schema=self._schema)
        self._backend.insert(self._table, row, overwrite=True)
        return self._view.to_pyarrow().cast(self._result_schema).sort_by([(name, "ascending") for name in self._key])
