"""Expected dates that have passed by the time a bundle is published."""

from datetime import UTC

import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from pipelines.families.family import BundleDraft


def without_past_dates(table: pa.Table, draft: BundleDraft) -> pa.Table:
    """The customers' table without next orders that were expected before the day of the draft's `as_of`.

    A family may be kept from an older bundle, or trained days before it is published. A date before that day is no
    longer a forecast. A range whose end is still to come keeps its end.
    """
    today = pa.scalar(draft.as_of.astimezone(UTC).date(), pa.date32())
    for name in (c.NEXT_ORDER_EXPECTED, c.NEXT_ORDER_FROM, c.NEXT_ORDER_TO):
        if name in table.column_names:
            dates = pc.if_else(pc.greater_equal(table[name], today), table[name], pa.scalar(None, pa.date32()))
            table = table.set_column(table.column_names.index(name), name, dates)
    return table
