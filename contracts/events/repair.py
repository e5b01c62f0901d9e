"""Repair an event whose optional fields have another type than the spec's, so that a sale is not lost with a coupon.

Numbers become text, texts become numbers and times where they can be read, a list of texts becomes one text, and an
empty list (PHP's empty object) becomes nothing. What cannot be read is left out. Every repaired field is named.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from contracts.events.spec import AliasEvent, Id, IdentifyEvent, PageEvent, ScreenEvent, TrackEvent
from contracts.validation.amounts import read_amount

_TYPES: Final = {
    form.__struct_config__.tag: form for form in (TrackEvent, IdentifyEvent, PageEvent, ScreenEvent, AliasEvent)
}
UNREADABLE: Final = " (unreadable)"  # ends the name of a field that had a text which is no number
_NOTHING: Final = object()  # the field is left out
_JOINED: Final = ", "
_TIME_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %Y %H:%M:%S GMT%z",
)
_OF_JAVASCRIPT: Final = re.compile(r"(GMT[+-]\d{4}) \(.*\)$")  # the zone's name after its offset
# Seconds, milliseconds, microseconds, nanoseconds since 1970: by the number's size.
_UNITS: Final = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


def repair_event(raw: Any) -> list[str]:
    """Repair a decoded event in place; returns the names of the fields that were changed or left out."""
    repaired: list[str] = []
    if isinstance(raw, dict) and isinstance(raw.get("type"), str) and raw["type"] in _TYPES:
        _repair(raw, _TYPES[raw["type"]], "", repaired)
    return repaired


def read_time(value: Any) -> datetime | None:
    """A time from a number since 1970, or from a text in one of the usual forms; None where it cannot be read."""
    if isinstance(value, str) and re.fullmatch(r"\d{9,19}(\.\d+)?", value.strip()):
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        unit = next((unit for most, unit in _UNITS if abs(value) < most), None)
        return datetime.fromtimestamp(value / unit, UTC) if unit is not None else None
    if not isinstance(value, str):
        return None
    text = _OF_JAVASCRIPT.sub(r"\1", value.strip())
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _TIME_FORMATS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 without a zone it is UTC, as everywhere in an event
        except ValueError:
            continue
    return None


def read_text(value: Any) -> str | None:
    """A text from a text, a number, or a list of these; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, list):
        texts = [text for entry in value if (text := read_text(entry)) is not None]
        return _JOINED.join(texts) or None
    return None


def _repair(raw: dict[str, Any], form: type, path: str, repaired: list[str]) -> None:
    for name, kind in _fields(form).items():
        value = raw.get(name)
        if value is None:
            continue
        new = _value(value, kind, f"{path}{name}", repaired)
        if new is _NOTHING:
            del raw[name]
        elif new is not value:
            raw[name] = new
        if new is not value:
            is_unreadable = new is _NOTHING and kind in _MAY_BE_UNREADABLE and isinstance(value, str) and value.strip()
            repaired.append(f"{path}{name}{UNREADABLE if is_unreadable else ''}")


@cache
def _fields(form: type) -> dict[str, Any]:
    """The type of each field, by its name in JSON."""
    hints = get_type_hints(form)
    names = zip(form.__struct_fields__, form.__struct_encode_fields__, strict=True)  # type: ignore[attr-defined]
    return {encoded: hints[name] for name, encoded in names}


def _value(value: Any, kind: Any, path: str, repaired: list[str]) -> Any:
    if kind in (Any, msgspec.Raw):
        return value
    read = _READERS.get(kind)
    if read is not None:
        return read(value)
    inner = next(each for each in get_args(kind) if each is not type(None))
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        if not isinstance(value, dict):
            return _NOTHING
        _repair(value, inner, f"{path}.", repaired)
        return value
    return _list(value, get_args(inner)[0], path, repaired)


def _list(value: Any, form: type, path: str, repaired: list[str]) -> Any:
    """A list of objects; also one object alone, or an object with numbered fields, as PHP sends a list with gaps."""
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        entries = list(value.values())
    else:
        entries = value if isinstance(value, list) else [value]
    kept = [entry for entry in entries if isinstance(entry, dict)]
    for entry in kept:
        _repair(entry, form, f"{path}.", repaired)
    if kept == value:
        return value
    return kept or _NOTHING


def _id(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else _NOTHING


def _text(value: Any) -> Any:
    text = read_text(value)
    return _NOTHING if text is None else text


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    number = read_amount(value) if isinstance(value, str) else None
    return _NOTHING if number is None else number


def _time(value: Any) -> Any:
    if isinstance(value, str):
        try:
            msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            pass
        else:
            return value
    try:
        moment = read_time(value)
    except (OverflowError, OSError, ValueError):
        moment = None
    return _NOTHING if moment is None else moment


_MAY_BE_UNREADABLE: Final = (float | None, datetime | None)
_READERS: Final[dict[Any, Callable[[Any], Any]]] = {
    Id: _id,
    str | None: _text,
    float | None: _number,
    datetime | None: _time,
}
