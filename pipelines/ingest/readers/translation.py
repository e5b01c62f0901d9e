"""Translate rows to events in wire format, by a mapping that is bound to a file's columns."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts.errors import InvalidEvent
from pipelines.ingest.readers.mapping import Mapping, Rule, template_columns

# Field of a mapping -> name in the wire format.
_PROPERTIES: Final = {
    "order_id": "order_id",
    "revenue": "revenue",
    "discount": "discount",
    "shipping": "shipping",
    "tax": "tax",
    "coupon": "coupon",
    "currency": "currency",
    "query": "query",
    "page_path": "path",
    "session_id": "session_id",
    "channel": "channel",
}
_PRODUCT: Final = {
    "item_id": "product_id",
    "item_name": "name",
    "item_category": "category",
    "item_brand": "brand",
    "price": "price",
    "quantity": "quantity",
}
_CONSENT: Final = {
    "consent_analytics": "analytics",
    "consent_personalization": "personalization",
    "consent_marketing": "marketing",
}
_NUMBERS: Final = ("quantity", "price", "revenue", "discount", "shipping", "tax")
_FLAGS: Final = {"true": True, "1": True, "yes": True, "y": True, "false": False, "0": False, "no": False, "n": False}
_UNITS_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
_SEPARATOR: Final = "\x1f"
_NOTHING: Final = -1  # the place of a field that the mapping lacks: the last cell, which is always blank

_Places = list[tuple[str, int]]  # (name in the wire format, place of the cell)


class Translation:
    """A callable that turns one row's values, in the order of the file's columns, into one event.

    The mapping's constants and a blank cell are appended to the row's cells, so that every field has a place.
    """

    def __init__(self, mapping: Mapping, columns: tuple[str, ...]) -> None:
        self._mapping = mapping
        self._columns = {column: place for place, column in enumerate(columns)}
        self._appended = [*mapping.constants.values(), ""]
        self._own_cells = sorted(range(len(columns)), key=columns.__getitem__)
        self._rules = [(rule, self._conditions(rule)) for rule in mapping.rules]
        self._properties, self._product = self._places(_PROPERTIES), self._places(_PRODUCT)
        self._consent = self._places(_CONSENT)
        self._numbers = [place for _, place in self._places(dict.fromkeys(_NUMBERS, "")) if place < len(columns)]
        self._time = self._columns[mapping.fields.timestamp]
        self._message_id, self._user_id, self._anonymous_id = map(
            self._place, ("message_id", "user_id", "anonymous_id")
        )
        self._country, self._device = self._place("country"), self._place("device")
        self._quantity, self._price = self._place("quantity"), self._place("price")
        self._moment = _moment_reader(mapping)

    def __call__(self, values: tuple[Any, ...]) -> dict[str, Any]:
        texts = [_TEXT_OF.get(type(value), str)(value) for value in values] + self._appended
        for place in self._numbers:
            if values[place] != values[place]:  # keep the NaN, so that the event is refused
                texts[place] = "nan"
        rule = self._rule(texts)
        user_id, anonymous_id = texts[self._user_id] or None, texts[self._anonymous_id] or None
        return {
            "type": "track",
            "event": rule.event,
            "messageId": texts[self._message_id] or self._hash(texts),
            "timestamp": self._timestamp(values),
            "userId": user_id,
            "anonymousId": anonymous_id or (None if user_id else self._from_template(texts)),
            "properties": self._event_properties(rule, texts),
            "context": self._context(texts),
        }

    def _place(self, field: str) -> int:
        column = getattr(self._mapping.fields, field)
        if column is not None:
            return self._columns[column]
        constants = list(self._mapping.constants)
        return len(self._columns) + constants.index(field) if field in constants else _NOTHING

    def _places(self, fields: dict[str, str]) -> _Places:
        """The fields that the mapping has."""
        found = ((wire, self._place(field)) for field, wire in fields.items())
        return [(wire, place) for wire, place in found if place != _NOTHING]

    def _conditions(self, rule: Rule) -> list[tuple[int, Callable[[str], Any]]]:
        return [(self._columns[column], re.compile(pattern).fullmatch) for column, pattern in rule.when.items()]

    def _rule(self, texts: list[str]) -> Rule:
        """The first rule that matches; raises InvalidEvent if that rule rejects the row, or if none matches."""
        for rule, conditions in self._rules:
            for place, matches in conditions:
                if not matches(texts[place]):
                    break
            else:
                if rule.reject is not None:
                    raise InvalidEvent(rule.reject, f"{rule.reason}.")
                return rule
        raise InvalidEvent(
            "no_rule", "no rule of the mapping matches the row; add one, or end with one without `when`."
        )

    def _hash(self, texts: list[str]) -> str:
        content = _SEPARATOR.join([self._mapping.source, *[texts[place] for place in self._own_cells]])
        return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _from_template(self, texts: list[str]) -> str | None:
        template = self._mapping.anonymous_id
        for column in template_columns(template or ""):
            template = (template or "").replace(f"{{{column}}}", texts[self._columns[column]])
        return template

    def _timestamp(self, values: tuple[Any, ...]) -> datetime:
        try:
            return self._moment(values[self._time])
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise InvalidEvent(
                "bad_timestamp", f"column {self._mapping.fields.timestamp!r} has no readable time: {error}."
            ) from None

    def _event_properties(self, rule: Rule, texts: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {wire: text for wire, place in self._properties if (text := texts[place])}
        if not rule.is_product:
            found["shipping"] = float(found.get("shipping", 0.0)) + self._amount(texts)
            return found
        for wire, place in self._product:
            if text := texts[place]:
                found[wire] = text
        if rule.negate_quantity:
            found["quantity"] = -_number(texts[self._quantity], "quantity")
        return found

    def _amount(self, texts: list[str]) -> float:
        return _number(texts[self._quantity] or "1", "quantity") * _number(texts[self._price], "price")

    def _context(self, texts: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if texts[self._country]:
            found["location"] = {"country": texts[self._country]}
        if texts[self._device]:
            found["device"] = {"type": texts[self._device]}
        if self._consent:
            found["consent"] = {"categoryPreferences": self._preferences(texts)}
        return found

    def _preferences(self, texts: list[str]) -> dict[str, bool]:
        """The row's consent by purpose; an empty cell states nothing."""
        given = {purpose: texts[place].casefold() for purpose, place in self._consent if texts[place]}
        for purpose, text in given.items():
            if text not in _FLAGS:
                raise InvalidEvent("wrong_type", f"consent to {purpose} is neither yes nor no; use true or false.")
        return {purpose: _FLAGS[text] for purpose, text in given.items()}


def _float_text(value: float) -> str:
    """Blank for NaN, which pandas writes for missing values; whole numbers without a decimal point."""
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() else str(value)


def _no_text(value: None) -> str:
    return ""


# Functions that turn a cell into text, by its type; other types use `str`.
_TEXT_OF: Final[dict[type, Callable[[Any], str]]] = {str: str.strip, float: _float_text, type(None): _no_text}


def _number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidEvent("wrong_type", f"the {field} is not a number.") from None


def _moment_reader(mapping: Mapping) -> Callable[[Any], datetime]:
    """A function from a cell to a time in UTC. It raises TypeError or ValueError for a value that is no time."""
    zone = UTC if mapping.timezone == "UTC" else ZoneInfo(mapping.timezone)

    def in_zone(moment: datetime) -> datetime:
        # Of a local time that occurs twice (end of daylight saving time), the first is meant.
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)

    def from_text(text: str) -> datetime:
        if mapping.timestamp_unit is not None:
            return datetime.fromtimestamp(float(text) / _UNITS_PER_SECOND[mapping.timestamp_unit], UTC)
        if mapping.timestamp_format is not None:
            return in_zone(datetime.strptime(text, mapping.timestamp_format))  # noqa: DTZ007 the zone comes after
        return in_zone(datetime.fromisoformat(text))

    @lru_cache(maxsize=8_192)  # the lines of an invoice share their time
    def moment(value: Any) -> datetime:
        if isinstance(value, datetime):
            return in_zone(value)
        if isinstance(value, date):
            return in_zone(datetime.combine(value, time()))
        return from_text(_TEXT_OF.get(type(value), str)(value))

    return moment
