"""Translate rows to events in wire format, by a mapping that is bound to a file's columns."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts.errors import InvalidEvent
from contracts.events.names import ORDER_REFUNDED
from contracts.validation.amounts import DecimalSign
from pipelines.ingest.readers.tables.cells import NOTHING, Cells
from pipelines.ingest.readers.tables.groups import GROUP_ROW
from pipelines.ingest.readers.tables.language import IDENTIFY, Fields, Mapping, Rule, field_columns, template_columns
from pipelines.ingest.readers.tables.money import read_money, sign_of

# Field of a mapping -> name in the wire format.
_PROPERTIES: Final = {
    "order_id": "order_id",
    "coupon": "coupon",
    "currency": "currency",
    "query": "query",
    "page_path": "path",
    "session_id": "session_id",
    "channel": "channel",
}
_MONEY: Final = {"revenue": "revenue", "discount": "discount", "shipping": "shipping", "tax": "tax"}
_PRODUCT: Final = {
    "item_id": "product_id",
    "sku": "sku",
    "item_name": "name",
    "item_category": "category",
    "item_brand": "brand",
}
_CONSENT: Final = {
    "consent_analytics": "analytics",
    "consent_personalization": "personalization",
    "consent_marketing": "marketing",
}
_IDS: Final = ("user_id", "anonymous_id", "order_id", "item_id", "sku", "session_id")
_AMOUNTS: Final = ("quantity", "price", *_MONEY)
_NEEDED: Final = ("price", "revenue", "refunded")  # an amount of these that cannot be read is not left out
_FLAGS: Final = {"true": True, "1": True, "yes": True, "y": True, "false": False, "0": False, "no": False, "n": False}
_UNITS_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
_SEPARATOR: Final = "\x1f"
_ROUNDED: Final = re.compile(r"\d(?:[.,]\d+)?[Ee]\+\d+")  # how a spreadsheet writes a long number
_OFFSET: Final = re.compile(r" (?=[+-]\d\d:?\d\d$)| (?=Z$)| UTC$")

_Places = list[tuple[str, int]]  # (name in the wire format, place of the cell)


class Translation:
    """A callable that turns one row's values, in the order of the file's columns, into events: one, or two.

    `at`: the time of the ingest, for rows without a time. `decimal`: the sign that the file's amounts have.
    """

    def __init__(
        self, mapping: Mapping, columns: tuple[str, ...], at: datetime, decimal: DecimalSign | None = None
    ) -> None:
        assert mapping.fields is not None
        self._mapping = mapping
        self._at = at
        self._cells = Cells(mapping, columns, field_columns(mapping.fields), _AMOUNTS)
        self._column = self._cells.place_of_column
        self._group_row = self._column(GROUP_ROW)
        self._own_cells = sorted(range(len(columns)), key=columns.__getitem__)
        self._rules = [(rule, self._conditions(rule)) for rule in mapping.rules]
        self._asked = sorted({place for _, conditions in self._rules for place, _ in conditions})
        self._rule_of: dict[tuple[str, ...], Rule] = {}
        self._properties, self._product = self._places(_PROPERTIES), self._places(_PRODUCT)
        self._money, self._consent = self._places(_MONEY), self._places(_CONSENT)
        self._ids = [place for name in _IDS if (place := self._place(name)) != NOTHING]
        self._lower = [place for name in mapping.lower_case if (place := self._place(name)) != NOTHING]
        self._place_of = {name: self._place(name) for name in Fields.__struct_fields__}
        self._flags = _FLAGS | dict.fromkeys(map(str.casefold, mapping.yes), True)
        self._flags |= dict.fromkeys(map(str.casefold, mapping.no), False)
        self._moment = _moment_reader(mapping)
        self._decimal = decimal
        self._amount = lru_cache(maxsize=8_192)(_amount_reader(decimal))

    def __call__(self, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        texts = self._cells(values)
        for place in self._ids:
            text = texts[place]
            if text and (text[0] == "'" or "+" in text):
                texts[place] = _id_text(text)
        for place in self._lower:
            texts[place] = texts[place].lower()
        asked = tuple([texts[place] for place in self._asked])
        rule = self._rule_of.get(asked)
        if rule is None:
            rule = self._rule(texts)
            if len(self._rule_of) < _REMEMBERED:
                self._rule_of[asked] = rule
        event = self._event(rule, texts, self._timestamp(values, texts))
        if rule.event == IDENTIFY:
            return [event]
        second = self._second_event(rule, texts, event) if texts[self._group_row] in _FIRST else None
        return [event] if second is None else [event, second]

    def _event(self, rule: Rule, texts: list[str], timestamp: datetime) -> dict[str, Any]:
        place = self._place_of
        user_id, anonymous_id = texts[place["user_id"]] or None, texts[place["anonymous_id"]] or None
        event: dict[str, Any] = {
            "type": "track",
            "event": rule.event,
            "messageId": texts[place["message_id"]] or self._hash(texts),
            "timestamp": timestamp,
            "userId": user_id,
            "anonymousId": anonymous_id or (None if user_id else self._from_template(texts)),
        }
        if rule.event == IDENTIFY:
            del event["event"]
            email = texts[place["email"]]
            event |= {"type": IDENTIFY, "traits": {"email": email} if email else {}}
        else:
            event["properties"] = self._event_properties(rule, texts)
        event["context"] = self._context(texts)
        return event

    def _second_event(self, rule: Rule, texts: list[str], event: dict[str, Any]) -> dict[str, Any] | None:
        """What was given back of the order, or that it was undone; its id is the same in each row of the order."""
        order_id = texts[self._place_of["order_id"]]
        properties: dict[str, Any] = {"order_id": order_id}
        if rule.undone_by is None:
            refunded, currency = self._amount_of("refunded", texts)
            if not refunded:
                return None
            properties |= {"revenue": abs(refunded)} | ({"currency": currency} if currency else {})
        name = rule.undone_by or ORDER_REFUNDED
        kind = "undone" if rule.undone_by else "refunded"
        given = {name: event[name] for name in ("type", "timestamp", "userId", "anonymousId")}
        return given | {"event": name, "messageId": self._own_hash(kind, order_id), "properties": properties}

    def _place(self, field: str) -> int:
        return self._cells.place_of(field)

    def _places(self, fields: dict[str, str]) -> _Places:
        """The fields that the mapping has."""
        found = ((wire, self._place(field)) for field, wire in fields.items())
        return [(wire, place) for wire, place in found if place != NOTHING]

    def _conditions(self, rule: Rule) -> list[tuple[int, Callable[[str], Any]]]:
        return [(self._column(column), re.compile(pattern).fullmatch) for column, pattern in rule.when.items()]

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
        """The id of a row: its place in its group, or all cells; without a time, also the day of the ingest."""
        down = self._mapping.carry_down
        if down is not None and down.key is not None:
            return self._own_hash(texts[self._column(down.key)], texts[self._group_row])
        days = [] if self._place_of["timestamp"] != NOTHING else [self._at.date().isoformat()]
        return self._own_hash(*[texts[place] for place in self._own_cells], *days)

    def _own_hash(self, *parts: str) -> str:
        content = _SEPARATOR.join([self._mapping.source, *parts])
        return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _from_template(self, texts: list[str]) -> str | None:
        template = self._mapping.anonymous_id
        for column in template_columns(template or ""):
            template = (template or "").replace(f"{{{column}}}", texts[self._column(column)])
        return template

    def _timestamp(self, values: tuple[Any, ...], texts: list[str]) -> datetime:
        place = self._place_of["timestamp"]
        if place == NOTHING:
            return self._at
        is_typed = place < len(values) and isinstance(values[place], date)
        try:
            return self._moment(values[place] if is_typed else texts[place])
        except (TypeError, ValueError, OverflowError, OSError) as error:
            assert self._mapping.fields is not None
            column = self._mapping.fields.timestamp
            raise InvalidEvent("bad_timestamp", f"column {column!r} has no readable time: {error}.") from None

    def _event_properties(self, rule: Rule, texts: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {wire: text for wire, place in self._properties if (text := texts[place])}
        for name, place in self._money:
            if texts[place]:
                self._add_amount(name, name, texts, found)
        if not rule.is_product:
            found["shipping"] = float(found.get("shipping", 0.0)) + self._fee(texts)
            return found
        for wire, place in self._product:
            if text := texts[place]:
                found[wire] = text
        if "sku" in found and found.get("product_id") == found["sku"]:
            del found["product_id"]  # so that it is the item of events that state both
        self._add_amount("price", "price", texts, found)
        if texts[self._place_of["quantity"]]:
            quantity = self._quantity(texts)
            found["quantity"] = -float(quantity) if rule.negate_quantity else quantity
        return found

    def _add_amount(self, field: str, wire: str, texts: list[str], found: dict[str, Any]) -> None:
        text = texts[self._place_of[field]]
        if not text:
            return
        amount, currency = self._amount(text)
        if amount is None and field in _NEEDED:
            raise self._unreadable(field, text)
        found[wire] = f"? {text}" if amount is None else amount  # it is left out and counted as unreadable
        if currency is not None and found.setdefault("currency", currency).upper() != currency:
            raise InvalidEvent("bad_currency", f"the {field} is in {currency}, the currency of the row another one.")

    def _amount_of(self, field: str, texts: list[str]) -> tuple[float, str | None]:
        text = texts[self._place_of[field]]
        if not text:
            return 0.0, None
        amount, currency = self._amount(text)
        if amount is None:
            raise self._unreadable(field, text)
        return float(amount), currency or texts[self._place_of["currency"]] or None

    def _fee(self, texts: list[str]) -> float:
        price, _ = self._amount_of("price", texts)
        return price * (float(self._quantity(texts)) if texts[self._place_of["quantity"]] else 1.0)

    def _quantity(self, texts: list[str]) -> float | str:
        """A number, or its text."""
        text = texts[self._place_of["quantity"]]
        amount, _ = self._amount(text)
        if amount is None and self._decimal is not None and _is_float(text):
            amount = text  # 1.0 beside prices with a comma
        if amount is None or (isinstance(amount, str) and not _is_float(amount)):
            raise InvalidEvent("wrong_type", f"the quantity {text[:40]!r} is no number, or can be read in two ways.")
        return amount

    def _unreadable(self, field: str, text: str) -> InvalidEvent:
        return InvalidEvent(
            "bad_amount",
            f"the {field} {text[:40]!r} is no number, or has another decimal sign than the file. Say which sign "
            "it has: --decimal . or --decimal , (or `decimal` in the mapping).",
        )

    def _context(self, texts: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if country := texts[self._place_of["country"]]:
            found["location"] = {"country": country}
        if device := texts[self._place_of["device"]]:
            found["device"] = {"type": device}
        if preferences := self._preferences(texts):
            found["consent"] = {"categoryPreferences": preferences}
        return found

    def _preferences(self, texts: list[str]) -> dict[str, bool]:
        """The row's consent by purpose; an empty cell states nothing."""
        given = {purpose: texts[place].casefold() for purpose, place in self._consent if texts[place]}
        for purpose, text in given.items():
            if text not in self._flags:
                raise InvalidEvent("wrong_type", f"consent to {purpose} is neither yes nor no; use true or false.")
        return {purpose: self._flags[text] for purpose, text in given.items()}


_REMEMBERED: Final = 8_192  # combinations of cells whose rule is known
_FIRST: Final = ("", "1")  # of a group, or there are no groups


def _id_text(text: str) -> str:
    """An id without the apostrophe with which some exports keep a spreadsheet from reading a number."""
    if _ROUNDED.fullmatch(text):
        raise InvalidEvent(
            "bad_id", f"the id {text!r} was rounded by a spreadsheet. Export the file again, and do not save it in one."
        )
    return text.removeprefix("'")


def _amount_reader(decimal: DecimalSign | None) -> Callable[[str], tuple[float | str | None, str | None]]:
    """A function from a cell to (amount or its text, currency); the amount is None where it cannot be read."""

    def read(text: str) -> tuple[float | str | None, str | None]:
        is_clear = decimal == "." or not sign_of(text).is_ambiguous
        if _is_float(text) and is_clear and (decimal != "," or "." not in text):
            return text, None
        return read_money(text, decimal) or (None, None)

    return read


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _closed_up(found: re.Match[str]) -> str:
    return "+00:00" if found[0] == " UTC" else ""


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
        try:
            return in_zone(datetime.fromisoformat(text))
        except ValueError:
            return in_zone(datetime.fromisoformat(_OFFSET.sub(_closed_up, text)))

    @lru_cache(maxsize=8_192)  # the lines of an invoice share their time
    def moment(value: Any) -> datetime:
        if isinstance(value, datetime):
            return in_zone(value)
        if isinstance(value, date):
            return in_zone(datetime.combine(value, time()))
        return from_text(value)

    return moment
