"""CSV and Parquet files through a mapping: each row becomes one JSON object of the event format."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from contracts.errors import InputError, InvalidEvent
from pipelines.readers.mapping import Mapping, Rule, template_columns
from pipelines.readers.record import Record, Refusal
from pipelines.readers.rows import Row, open_rows

BLOCK_ROWS: Final = 8_192

# Our field -> where it stands in the wire format.
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
}
_CONSENT: Final = {
    "consent_analytics": "analytics",
    "consent_personalization": "personalization",
    "consent_marketing": "marketing",
}
_FLAGS: Final = {"true": True, "1": True, "yes": True, "y": True, "false": False, "0": False, "no": False, "n": False}
_NUMBERS: Final = ("quantity", "price", "revenue", "discount", "shipping", "tax")
_UNITS_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True)
class TabularBlock:
    """Some rows of a table file, as records; they are translated when they are asked for."""

    mapping: Mapping
    columns: tuple[str, ...]
    rows: list[Row]

    def __iter__(self) -> Iterator[Record]:
        translate = _Translation(self.mapping, self.columns)
        return (_record(row, self.columns, translate) for row in self.rows)


def read_tabular(path: Path, mapping: Mapping) -> Iterator[TabularBlock]:
    """The records of a table file, in blocks. Raises InputError for a file or column that is missing."""
    table = open_rows(path, mapping.delimiter, mapping.encoding)
    if missing := sorted(mapping.columns() - set(table.columns)):
        raise InputError(
            f"{path} has no column {', '.join(map(repr, missing))}, which the mapping {mapping.source!r} needs; it has "
            f"{', '.join(map(repr, table.columns))}. Rename the columns, or give another mapping."
        )
    while rows := list(islice(table.rows, BLOCK_ROWS)):
        yield TabularBlock(mapping, table.columns, rows)


def _record(row: Row, columns: tuple[str, ...], translate: "_Translation") -> Record:
    original = (columns, row.values)
    if row.refusal is not None:
        return Record(b"", row.number, 0, row.refusal, original)
    try:
        raw = orjson.dumps(translate(row.values))
    except InvalidEvent as error:
        return Record(b"", row.number, 0, Refusal(error.code, str(error)), original)
    except (TypeError, ValueError) as error:
        return Record(b"", row.number, 0, Refusal("wrong_type", f"the row cannot be read: {error}."), original)
    return Record(raw, row.number, len(raw), None, original)


class _Translation:
    """A mapping bound to a file's columns: a row's values in, an event in wire format out."""

    def __init__(self, mapping: Mapping, columns: tuple[str, ...]) -> None:
        self._mapping = mapping
        self._place = {column: place for place, column in enumerate(columns)}
        self._hash_order = [self._place[column] for column in sorted(columns)]
        self._rules = [(rule, self._conditions(rule)) for rule in mapping.rules]
        self._properties = self._places(_PROPERTIES)
        self._product = self._places(_PRODUCT)
        self._consent = self._places(_CONSENT)
        self._numbers = [place for _, place in self._places(dict.fromkeys(_NUMBERS, ""))]
        self._moment = _moment_reader(mapping)

    def __call__(self, values: tuple[Any, ...]) -> dict[str, Any]:
        texts = [_text(value) for value in values]
        for place in self._numbers:
            if values[place] != values[place]:  # a NaN is no amount, and is refused as one
                texts[place] = "nan"
        rule = self._rule(texts)
        event: dict[str, Any] = {
            "type": "track",
            "event": rule.event,
            "messageId": self._message_id(texts),
            "timestamp": self._timestamp(values),
            "userId": self._field("user_id", texts),
            "properties": self._event_properties(rule, texts),
            "context": self._context(texts),
        }
        event["anonymousId"] = self._field("anonymous_id", texts)
        if event["anonymousId"] is None and event["userId"] is None:
            event["anonymousId"] = self._anonymous_id(texts)
        return event

    def _places(self, fields: dict[str, str]) -> list[tuple[str, int]]:
        """Wire name and column place of those fields that the mapping has a column for."""
        found = ((wire, getattr(self._mapping.fields, field)) for field, wire in fields.items())
        return [(wire, self._place[column]) for wire, column in found if column is not None]

    def _conditions(self, rule: Rule) -> list[tuple[int, Callable[[str], Any]]]:
        return [(self._place[column], re.compile(pattern).fullmatch) for column, pattern in rule.when.items()]

    def _rule(self, texts: list[str]) -> Rule:
        for rule, conditions in self._rules:
            if all(matches(texts[place]) for place, matches in conditions):
                if rule.reject is not None:
                    raise InvalidEvent(rule.reject, f"{rule.reason}.")
                return rule
        raise InvalidEvent(
            "no_rule", "no rule of the mapping matches the row; add one, or end with one without `when`."
        )

    def _field(self, field: str, texts: list[str]) -> str | None:
        column = getattr(self._mapping.fields, field)
        return (texts[self._place[column]] if column is not None else self._mapping.constants.get(field)) or None

    def _message_id(self, texts: list[str]) -> str:
        given = self._field("message_id", texts)
        if given is not None:
            return given
        content = _SEPARATOR.join([self._mapping.source, *(texts[place] for place in self._hash_order)])
        return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _anonymous_id(self, texts: list[str]) -> str | None:
        template = self._mapping.anonymous_id
        if template is None:
            return None
        for column in template_columns(template):
            template = template.replace(f"{{{column}}}", texts[self._place[column]])
        return template

    def _timestamp(self, values: tuple[Any, ...]) -> datetime:
        value = values[self._place[self._mapping.fields.timestamp]]
        try:
            return self._moment(value)
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise InvalidEvent(
                "bad_timestamp", f"column {self._mapping.fields.timestamp!r} holds no time that can be read: {error}."
            ) from None

    def _event_properties(self, rule: Rule, texts: list[str]) -> dict[str, Any]:
        constants = self._mapping.constants
        found: dict[str, Any] = {wire: constants[field] for field, wire in _PROPERTIES.items() if field in constants}
        found.update((wire, texts[place]) for wire, place in self._properties if texts[place])
        if not rule.is_product:
            found["shipping"] = float(found.get("shipping", 0.0)) + self._amount(texts)
            return found
        found.update((wire, constants[field]) for field, wire in _PRODUCT.items() if field in constants)
        found.update((wire, texts[place]) for wire, place in self._product if texts[place])
        quantity = self._field("quantity", texts)
        if quantity is not None:
            found["quantity"] = -_number(quantity, "quantity") if rule.negate_quantity else quantity
        return found

    def _amount(self, texts: list[str]) -> float:
        quantity, price = self._field("quantity", texts), self._field("price", texts)
        return _number(quantity or "1", "quantity") * _number(price or "", "price")

    def _context(self, texts: list[str]) -> dict[str, Any]:
        country, device = self._field("country", texts), self._field("device", texts)
        return {
            "location": {"country": country} if country else None,
            "device": {"type": device} if device else None,
            "consent": {"categoryPreferences": self._preferences(texts)} if self._consent else None,
        }

    def _preferences(self, texts: list[str]) -> dict[str, bool]:
        """Consent as the row gives it; an empty cell says nothing."""
        given = {purpose: texts[place].casefold() for purpose, place in self._consent if texts[place]}
        for purpose, text in given.items():
            if text not in _FLAGS:
                raise InvalidEvent("wrong_type", f"consent to {purpose} is neither yes nor no; use true or false.")
        return {purpose: _FLAGS[text] for purpose, text in given.items()}


def _text(value: Any) -> str:
    """A cell as text: blank where there is nothing, whole numbers without a decimal point."""
    if isinstance(value, str):
        return value.strip()
    if value is None or value != value:  # NaN, as pandas writes what is missing
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidEvent("wrong_type", f"the {field} is not a number.") from None


def _moment_reader(mapping: Mapping) -> Callable[[Any], datetime]:
    """How the mapping reads a time; the result carries its zone."""
    zone = UTC if mapping.timezone == "UTC" else ZoneInfo(mapping.timezone)

    def in_zone(moment: datetime) -> datetime:
        # An hour that the clock shows twice is its first; to UTC here, so that the wire time has no odd offset.
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)

    @lru_cache(maxsize=65_536)  # the lines of an invoice share their time
    def from_text(text: str) -> datetime:
        if mapping.timestamp_unit is not None:
            return datetime.fromtimestamp(float(text) / _UNITS_PER_SECOND[mapping.timestamp_unit], UTC)
        if mapping.timestamp_format is not None:
            return in_zone(datetime.strptime(text, mapping.timestamp_format))  # noqa: DTZ007 the zone comes after
        return in_zone(datetime.fromisoformat(text))

    def moment(value: Any) -> datetime:
        if isinstance(value, datetime):
            return in_zone(value)
        if isinstance(value, date):
            return in_zone(datetime.combine(value, time()))
        return from_text(_text(value))

    return moment
