"""How long ago something happened, in words."""

from datetime import datetime, timedelta
from typing import Final

# Longest first; an age is told in the first unit of which it has at least two.
_UNITS: Final = (
    ("months", timedelta(days=30.44)),
    ("days", timedelta(days=1)),
    ("hours", timedelta(hours=1)),
    ("minutes", timedelta(minutes=1)),
)


def ago(moment: datetime, now: datetime) -> str:
    """The age of `moment`, such as `3 days ago`; `just now` below two minutes and for the future."""
    age = now - moment
    return next((f"{age // unit} {name} ago" for name, unit in _UNITS if age >= 2 * unit), "just now")
