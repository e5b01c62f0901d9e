"""Propose a mapping for a table that no format recognises, from its header and its first rows.

What is not certain is a comment, and not a guess: the user decides which day `03/04/2026` is.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from contracts.errors import InputError
from pipelines.ingest.readers.formats.head import read_head
from pipelines.ingest.readers.rows import open_rows
from pipelines.ingest.readers.tables.money import decimal_of_file

SAMPLE_ROWS: Final = 1_000
# Field -> how its column may be called, the most certain first; compared without case and marks.
_NAMES: Final = {
    "timestamp": "created at|order date|invoice date|purchase date|date created|timestamp|datetime|event time|time|"
    "date|datum|bestelldatum|fecha|date commande|data",
    "order_id": "order id|order number|order no|order|invoice no|invoice number|invoice id|invoice|transaction id|"
    "receipt|bestellnummer|auftragsnummer|rechnungsnummer|pedido|commande|ordine",
    "user_id": "customer id|customer number|user id|client id|member id|email|e mail|customer email|email address|"
    "customer|user|kundennummer|kunde|cliente|client",
    "anonymous_id": "anonymous id|visitor id|visitor|cookie|device id|session|visitorid",
    "item_id": "item id|product id|sku|item sku|product sku|lineitem sku|stock code|article number|article|"
    "item number|item|variant sku|handle|artikelnummer|itemid|asin|ean|id",
    "item_name": "item name|product name|lineitem name|product title|product|title|name|description|bezeichnung|"
    "artikel",
    "item_category": "category|item category|product category|product type|department|kategorie|type",
    "item_brand": "brand|vendor|manufacturer|marke|hersteller",
    "quantity": "quantity|qty|units|amount ordered|menge|anzahl|cantidad|quantite",
    "price": "unit price|item price|price|lineitem price|preis|einzelpreis|precio|prix|prezzo",
    "revenue": "order total|total|revenue|grand total|amount|gesamt|summe|umsatz",
    "discount": "discount|discount amount|rabatt",
    "shipping": "shipping|shipping cost|versand|versandkosten",
    "tax": "tax|taxes|vat|mwst|steuer",
    "refunded": "refunded amount|refunded|refund amount",
    "coupon": "coupon|coupon code|discount code|voucher|gutschein",
    "currency": "currency|currency code|waehrung",
    "country": "country|shipping country|billing country|country code|land",
    "channel": "channel|utm medium|source medium|marketing channel",
    "consent_marketing": "accepts marketing|accepts email marketing|newsletter|marketing consent",
}
_ITEM_FIELDS: Final = ("item_id", "item_name", "item_category", "item_brand", "price")
_STOCK: Final = "stock|inventory|quantity|qty|in stock|stock level|bestand|lagerbestand|available"
_MONEY: Final = ("price", "revenue", "discount", "shipping", "tax", "refunded")
_FORMATS: Final = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"),
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
    *("%m/%d/%Y %I:%M %p", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%b %d, %Y", "%d %b %Y"),
)
_UNITS: Final = {10: "s", 13: "ms", 16: "us"}  # by the number of digits


class _Sample(NamedTuple):
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def of(self, column: str) -> list[str]:
        place = self.columns.index(column)
        return [row[place].strip() for row in self.rows if row[place].strip()]


def draft_mapping(path: Path) -> str:
    """The text of a TOML file. Raises InputError where the file is no table, or nothing of it is understood."""
    head = read_head(path)
    if head.kind not in ("table", "parquet"):
        raise InputError(f"{path} is no table with columns; give a CSV or Parquet file.")
    table = open_rows(path, head.delimiter, head.encoding)
    rows = [tuple(map(_text, row.values)) for row in islice(table.rows, SAMPLE_ROWS) if row.refusal is None]
    sample = _Sample(table.columns, rows)
    fields = _fields(sample)
    is_catalogue = "timestamp" not in fields and "item_id" in fields and "order_id" not in fields
    if not is_catalogue and "timestamp" not in fields:
        shown = ", ".join(map(repr, table.columns))
        raise InputError(f"{path}: no column looks like a time, and none like an item of a catalogue; it has {shown}.")
    lines = [f"# A draft for {path.name}, from its header and first {len(rows):,} rows. Check each line.", ""]
    if head.kind == "table":
        lines += _file_keys(head.delimiter, head.encoding)
    lines += _decimal(sample, fields)
    lines += _catalogue(sample, fields) if is_catalogue else _events(sample, fields)
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _plain(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[\W_]+", " ", spaced).lower().split())


def _fields(sample: _Sample) -> dict[str, str]:
    """Field -> column; each column is taken once."""
    found: dict[str, str] = {}
    for field, names in _NAMES.items():
        column = _named(sample.columns, names, set(found.values()))
        if column is not None:
            found[field] = column
    return found


def _named(columns: Sequence[str], names: str, taken: Iterable[str] = ()) -> str | None:
    plain = {_plain(column): column for column in reversed(columns) if column not in taken}
    return next((plain[name] for name in names.split("|") if name in plain), None)


def _file_keys(delimiter: str, encoding: str) -> list[str]:
    lines = [f"delimiter = {_quoted(delimiter)}"] if delimiter != "," else []
    return lines + ([f'encoding = "{encoding}"'] if encoding != "utf-8" else [])


def _decimal(sample: _Sample, fields: dict[str, str]) -> list[str]:
    columns = [fields[name] for name in _MONEY if name in fields]
    try:
        sign = decimal_of_file(((column, text) for column in columns for text in sample.of(column)), "")
    except InputError as error:
        return [f'# decimal = "," or "."? {str(error).removeprefix(": ").split(". Say")[0]}.']
    return [f'decimal = "{sign}"'] if sign == "," else []


def _events(sample: _Sample, fields: dict[str, str]) -> list[str]:
    lines = _time_keys(sample.of(fields["timestamp"]))
    if "user_id" in fields and any("@" in text for text in sample.of(fields["user_id"])):
        lines.append('lower_case = ["user_id"]')
    if "order_id" in fields and "anonymous_id" not in fields:
        lines.append(f"anonymous_id = {_quoted('order-{' + fields['order_id'] + '}')}  # for rows without a person")
    lines += ["", "[fields]", *(f"{field} = {_quoted(column)}" for field, column in fields.items())]
    lines += _left(sample, fields.values())
    if "currency" not in fields:
        lines += ["", "# [constants]", '# currency = "EUR"']
    return [*lines, "", *_carry_down(sample, fields), *_rules(sample, fields)]


def _time_keys(texts: list[str]) -> list[str]:
    if not texts or all(_is_iso(text) for text in texts):
        return []
    if all(text.isdigit() for text in texts) and len(texts[0]) in _UNITS:
        return [f'timestamp_unit = "{_UNITS[len(texts[0])]}"']
    fitting = [form for form in _FORMATS if all(_has_form(text, form) for text in texts)]
    if len(fitting) == 1:
        return [f'timestamp_format = "{fitting[0]}"']
    either = " or ".join(f'"{form}"' for form in fitting) or "as for strptime"
    return [f"# timestamp_format = {either}? The times look like {texts[0]}."]


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r" (?=[+-]\d{2}:?\d{2}$)", "", text))
    except ValueError:
        return False
    return True


def _has_form(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 only its form is asked
    except ValueError:
        return False
    return True


def _carry_down(sample: _Sample, fields: dict[str, str]) -> list[str]:
    """Columns that are blank in every row of an order but the first, where there are such."""
    if "order_id" not in fields:
        return []
    key = sample.columns.index(fields["order_id"])
    later = [row for before, row in zip(sample.rows, sample.rows[1:], strict=False) if row[key] == before[key] != ""]
    if len(later) < 2:
        return []
    blank = [
        column
        for place, column in enumerate(sample.columns)
        if not any(row[place].strip() for row in later) and sample.of(column)
    ]
    of_order = [column for column in blank if column not in (fields.get(name) for name in _MONEY)]
    if not of_order:
        return []
    columns = ", ".join(map(_quoted, of_order))
    return ["[carry_down]", f"key = {_quoted(fields['order_id'])}", f"columns = [{columns}]", ""]


def _rules(sample: _Sample, fields: dict[str, str]) -> list[str]:
    lines = []
    if "quantity" in fields and any(text.startswith("-") for text in sample.of(fields["quantity"])):
        when = f"{{ {_quoted(fields['quantity'])} = '-.*' }}"
        lines += ["[[rules]]", f"when = {when}", 'event = "Order Refunded"', "negate_quantity = true", ""]
    event = "Order Completed" if "order_id" in fields else "Product Viewed"
    return [*lines, "[[rules]]", f'event = "{event}"']


def _catalogue(sample: _Sample, fields: dict[str, str]) -> list[str]:
    named = {field: column for field, column in fields.items() if field in _ITEM_FIELDS}
    stock = _named(sample.columns, _STOCK, named.values())
    if stock is not None:
        named["stock"] = stock
    columns = (f"{field} = {_quoted(column)}" for field, column in named.items())
    return ["", "[items]", *columns, *_left(sample, named.values())]


def _left(sample: _Sample, taken: Iterable[str]) -> list[str]:
    left = [column for column in sample.columns if column not in set(taken)]
    return [f"# not read: {', '.join(map(repr, left))}"] if left else []


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r") + '"'
