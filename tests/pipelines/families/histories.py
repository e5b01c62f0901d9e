"""The customers' history of a small world."""

from datetime import datetime

import ibis
import pyarrow as pa

from pipelines.families.family import no_statements
from pipelines.families.snapshots import CustomerHistory
from pipelines.identity.history import IdentityHistory


def history_of(events: pa.Table, as_of: datetime) -> CustomerHistory:
    """What is known of these events' customers before `as_of`."""
    table = ibis.memtable(events)
    return CustomerHistory(table, IdentityHistory(table, no_statements()), as_of)
