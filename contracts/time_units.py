"""Lengths of time in other units."""

from typing import Final

SECONDS_PER_DAY: Final = 86_400
MICROSECONDS_PER_SECOND: Final = 1_000_000
MICROSECONDS_PER_DAY: Final = SECONDS_PER_DAY * MICROSECONDS_PER_SECOND
