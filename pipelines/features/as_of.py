"""The instant that a feature is asked of: a date and time, or a place for one that is filled in when the query runs."""

from datetime import datetime
from typing import Any, NamedTuple

import ibis
from ibis import Value


class UnsetInstant(NamedTuple):
    """An instant that the engine knows only when it answers."""

    at: Value
    seconds: Value  # since 1970 UTC, with their fraction


AsOf = datetime | UnsetInstant


def timestamp(as_of: AsOf) -> Value:
    """The instant as the engine's timestamp."""
    return ibis.literal(as_of) if isinstance(as_of, datetime) else as_of.at


def seconds_since_1970(as_of: AsOf) -> Any:
    """The instant as seconds, with their fraction."""
    return as_of.timestamp() if isinstance(as_of, datetime) else as_of.seconds
