"""Which of several events with one message id stays, and what is said about those that do not.

A file wins over a server key, and both win over a page key, which anybody can read in the page. Of two events from keys
of one class, the one that was received first stays. The time at which a file is read says nothing about its events: of
two from files, the one with the smaller content hash stays; of two refunds, the larger one, since an export of later
tells more of what was given back. So the result does not depend on the order of the calls.
"""

from datetime import UTC, datetime
from typing import Final

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_REFUNDED
from contracts.logs.sources import PAGE, SERVER
from pipelines.ingest.report import Conflict
from pipelines.warehouse.schemas import CONTENT_HASH

_CLASS: Final = "source_class"
_SINCE: Final = "since"
_REFUND: Final = "less_refunded"  # minus the amount given back, of files
PRECEDENCE: Final = (_CLASS, _SINCE, _REFUND, CONTENT_HASH, c.RECEIVED_AT, c.SOURCE)  # the smallest stays
_FILE_CLASS: Final = 0
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)

KEPT_SOURCE: Final = "kept_source"
KEPT_HASH: Final = "kept_hash"
DROPPED_SOURCE: Final = "dropped_source"
DROPPED_HASH: Final = "dropped_hash"
IS_REPLACED: Final = "is_replaced"  # 1 if an earlier ingest had stored the dropped event, else 0


def with_precedence(events: ibis.Table) -> ibis.Table:
    """The table with the columns of `PRECEDENCE`."""
    source = events[c.SOURCE]
    source_class = ibis.cases((source.startswith(PAGE), 2), (source.startswith(SERVER), 1), else_=_FILE_CLASS)
    classed = events.mutate(**{_CLASS: source_class.cast("int8")})
    received_at = ibis.ifelse(classed[_CLASS] == _FILE_CLASS, ibis.literal(_NO_TIME), classed[c.RECEIVED_AT])
    return classed.mutate(**{_SINCE: received_at, _REFUND: _less_refunded(classed)})


def _less_refunded(classed: ibis.Table) -> ibis.Value:
    if c.REVENUE not in classed.columns:  # statements of consent
        return ibis.literal(0.0)
    is_refund = (classed[_CLASS] == _FILE_CLASS) & (classed[c.EVENT] == ORDER_REFUNDED)
    return ibis.ifelse(is_refund, -classed[c.REVENUE].abs(), 0.0).coalesce(0.0)


def is_before(rivals: ibis.Table, prefix: str) -> ibis.Value:
    """Whether the event in the columns of `PRECEDENCE` stays, and not the one in those with the prefix."""
    before: ibis.Value = ibis.literal(False)
    for name in reversed(PRECEDENCE):
        mine, theirs = rivals[name], rivals[f"{prefix}{name}"]
        before = (mine < theirs) | ((mine == theirs) & before)
    return before


def conflicts_of(dropped: ibis.Table) -> list[Conflict]:
    """The conflicts among dropped events, given with their sources and hashes and those of what was kept.

    A dropped event of equal content is a repeat, and no conflict.
    """
    differing = dropped.filter(dropped[DROPPED_HASH] != dropped[KEPT_HASH])
    counted = differing.group_by(KEPT_SOURCE, DROPPED_SOURCE).agg(
        events=ibis._.count(), replaced=ibis._[IS_REPLACED].sum()
    )
    rows = counted.order_by(KEPT_SOURCE, DROPPED_SOURCE).to_pyarrow().to_pylist()
    return [Conflict(row[KEPT_SOURCE], row[DROPPED_SOURCE], row["events"], int(row["replaced"])) for row in rows]
