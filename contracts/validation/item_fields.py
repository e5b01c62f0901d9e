"""Repair the optional fields of an item, of a catalogue file and over HTTP: a wrong price does not lose the item."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from contracts.events.parse import MAX_TEXT_CHARS
from contracts.events.repair import UNREADABLE, read_text, read_time
from contracts.validation.amounts import read_amount
from contracts.validation.bounds import MAX_MONEY, MAX_UNITS

_NEGATIVE: Final = " (negative)"
_TOO_LARGE: Final = " (too large)"
_CUT: Final = " (cut)"
_OTHER_FORM: Final = ""  # read, but not in the format's own form


class Reading(NamedTuple):
    """A field's value, or None where it is left out; `repair` ends its name in the report, None: nothing to report."""

    value: Any
    repair: str | None = None


Reader = Callable[[Any], Reading]
_LEFT_OUT: Final = Reading(None, UNREADABLE)


def repair_item(item: dict[str, Any], readers: Mapping[str, Reader]) -> list[str]:
    """Read an item's fields in place, without those that are blank or cannot be read; returns what was repaired."""
    repairs = []
    for name, read in readers.items():
        value = item.pop(name, None)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "" or value != value:
            continue
        reading = read(value)
        if reading.value is not None:
            item[name] = reading.value
        if reading.repair is not None:
            repairs.append(f"{name}{reading.repair}")
    return repairs


def read_id(value: Any) -> Reading:
    """An id: a text or a whole number."""
    if isinstance(value, str):
        return Reading(value)
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
    return Reading(str(int(value))) if is_whole else _LEFT_OUT


def read_name(value: Any) -> Reading:
    """A text, such as a name or a category; of a long one the beginning."""
    text = read_text(value)
    if text is None:
        return _LEFT_OUT
    if len(text) > MAX_TEXT_CHARS:
        return Reading(text[:MAX_TEXT_CHARS], _CUT)
    return Reading(text, None if isinstance(value, str) else _OTHER_FORM)


def read_price(value: Any) -> Reading:
    """A price, also as people write it; a negative one is left out."""
    number, repair = _number(value)
    if number is None:
        return _LEFT_OUT
    if not 0 <= number <= MAX_MONEY:
        return Reading(None, _NEGATIVE if number < 0 else _TOO_LARGE)
    return Reading(number, repair)


def read_stock(value: Any) -> Reading:
    """The units in stock. A negative number, as of an item that was sold on back order, means that none is left."""
    number, repair = _number(value)
    if number is None:
        return _LEFT_OUT
    if number < 0:
        return Reading(0.0, _NEGATIVE)
    return Reading(number, repair) if number <= MAX_UNITS else Reading(None, _TOO_LARGE)


def read_moment(value: Any) -> Reading:
    """A time in UTC, from a date or a time; without a zone it is in UTC."""
    for read, repair in ((_iso_time, None), (read_time, _OTHER_FORM)):
        with suppress(ValueError, OverflowError, OSError):
            moment = read(value)
            if moment is not None:
                return Reading(_in_utc(moment), repair)
    return _LEFT_OUT


def _iso_time(value: Any) -> datetime | None:
    return datetime.fromisoformat(str(value)) if isinstance(value, str | date) else None


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _number(value: Any) -> tuple[float | None, str | None]:
    """The finite number, and how its form is reported."""
    repair = None
    try:
        number = (
            float(value) if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else None
        )
    except ValueError:
        number, repair = read_amount(value), _OTHER_FORM
    except OverflowError:
        number = None
    return (number, repair) if number is not None and math.isfinite(number) else (None, None)
