"""Lengths of time in other units, and times as numbers."""

from datetime import UTC, datetime
from typing import Final

SECONDS_PER_DAY: Final = 86_400
MICROSECONDS_PER_SECOND: Final = 1_000_000
MICROSECONDS_PER_DAY: Final = SECONDS_PER_DAY * MICROSECONDS_PER_SECOND


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return round(moment.timestamp() * MICROSECONDS_PER_SECOND)


def from_microseconds(microseconds: int) -> datetime:
    """The time, in UTC, that many microseconds since 1970 UTC."""
    return datetime.fromtimestamp(microseconds / MICROSECONDS_PER_SECOND, UTC)
