"""The cut-off of a feature query: a date and time, or a timestamp that the engine reads when it runs the query."""

from datetime import datetime
from typing import TypeAlias

import ibis
from ibis import Value

from contracts.time_units import MICROSECONDS_PER_SECOND

AsOf: TypeAlias = "datetime | Value"  # Value: a bound parameter of a prepared query, a timestamp in UTC


def timestamp(as_of: AsOf) -> Value:
    """The cut-off as the engine's timestamp."""
    return ibis.literal(as_of) if isinstance(as_of, datetime) else as_of


def seconds_since_1970(as_of: AsOf) -> float | Value:
    """The cut-off as seconds, with their fraction; rounded alike for both kinds."""
    if isinstance(as_of, datetime):
        return as_of.timestamp()
    whole = as_of.truncate("s").epoch_seconds()  # of a fraction, the engine would round
    microseconds = whole * MICROSECONDS_PER_SECOND + as_of.microsecond()
    return microseconds / float(MICROSECONDS_PER_SECOND)
