"""The mapping language: the parts of a TOML file that says how rows of a table become events or items."""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from contracts import columns as c
from contracts.validation.amounts import DecimalSign

Column = str | list[str]  # a column, or several of which the first that is not empty counts
Conditions = dict[str, str]  # column -> regular expression that must match the whole cell
IDENTIFY: Final = "identify"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a mapping; unknown keys are refused."""


class Fields(_Strict, frozen=True):
    """For each field of an event, the column that holds it."""

    timestamp: Column | None = None  # without one, the time of the ingest; only for `identify`
    message_id: Column | None = None  # without one, the hash of the whole row is the id
    user_id: Column | None = None
    anonymous_id: Column | None = None
    session_id: Column | None = None
    order_id: Column | None = None
    item_id: Column | None = None
    sku: Column | None = None  # also where it is the item_id: so the item is known whose events state both
    item_name: Column | None = None
    item_category: Column | None = None
    item_brand: Column | None = None
    quantity: Column | None = None
    price: Column | None = None  # per unit
    revenue: Column | None = None
    discount: Column | None = None
    shipping: Column | None = None
    tax: Column | None = None
    refunded: Column | None = None  # of the whole order: becomes an event of its own
    coupon: Column | None = None
    currency: Column | None = None
    query: Column | None = None
    page_path: Column | None = None
    channel: Column | None = None
    country: Column | None = None
    device: Column | None = None
    email: Column | None = None  # a trait of `identify`
    consent_analytics: Column | None = None
    consent_personalization: Column | None = None
    consent_marketing: Column | None = None


class Rule(_Strict, frozen=True):
    """What to do with a row if each column in `when` fully matches its regular expression."""

    when: Conditions = {}
    event: str | None = None  # the event's name, or ...
    reject: str | None = None  # ... the code under which the row goes to the quarantine
    reason: str | None = None
    negate_quantity: bool = False  # the file writes returns with negative quantities
    is_product: bool = True  # false: quantity × price is an amount without an item, counted as a fee
    undone_by: Literal["Order Cancelled", "Order Refunded"] | None = None  # a second event: the whole order is undone


class CarryDown(_Strict, frozen=True):
    """Columns of which only the first row of a group has the value. A group's rows follow each other."""

    columns: list[str]
    key: str | None = None  # rows with the same value here are a group, or ...
    start: Conditions = {}  # ... a group starts with each row that matches
    copies: dict[str, str] = {}  # new column = column of the first row


class Joined(_Strict, frozen=True):
    """A new column: the cells that are not empty, each with the text before it unless it is the first."""

    columns: list[str]
    between: list[str]  # one fewer than columns


class ItemRule(_Strict, frozen=True):
    """What else holds for a row of the catalogue that matches."""

    when: Conditions
    leave_out: bool = False  # the row is no item
    stock: float | None = None
    is_untracked: bool = False  # its stock is not counted: always available


class Parent(_Strict, frozen=True):
    """Rows that take what they lack from another row of the file."""

    column: str  # names the parent
    names: dict[str, str]  # of the parent: column -> text that stands before its value
    columns: list[str]  # what is taken


class Items(_Strict, frozen=True):
    """For each field of an item of the catalogue, the column that holds it."""

    item_id: Column
    item_name: Column | None = None
    item_category: Column | None = None
    item_brand: Column | None = None
    price: Column | None = None
    stock: Column | None = None
    available_from: Column | None = None
    updated_at: Column | None = None
    attributes: dict[str, str] = {}  # name = column
    attribute_pairs: list[tuple[str, str]] = []  # column of the name, column of the value
    category_list: str | None = None  # what separates several categories, of which the first is taken
    add_up_stock: bool = False  # an item has a row for each place where it is in stock
    is_partial: bool = False  # what the file does not state stays as it is stored
    parent: Parent | None = None
    rules: list[ItemRule] = []


class ExportHeader(_Strict, frozen=True):
    """How files of an export are recognised. Columns that are not required may be missing."""

    title: str
    required: list[str]
    absent: list[str] = []
    file_name: str | None = None  # a regular expression, where the columns are not enough
    aliases: dict[str, list[str]] = {}  # other names of a column
    refused: str | None = None  # why no file of it can be read, and what to export in its place


class Mapping(_Strict, frozen=True):
    """A mapping file."""

    fields: Fields | None = None
    rules: list[Rule] = []
    items: Items | None = None
    export: ExportHeader | None = None
    source: str = ""  # kept with each event; default: the mapping's name
    timezone: str = "UTC"  # of times without a time zone
    timestamp_format: str | None = None  # strptime's; default: ISO 8601
    timestamp_unit: Literal["s", "ms", "us"] | None = None  # of times that are numbers
    anonymous_id: str | None = None  # template such as "invoice-{invoice_no}", for rows without any id
    lower_case: list[str] = []  # fields that are written in small letters, as addresses are
    constants: dict[str, str] = {}  # fields that are the same for every row
    carry_down: CarryDown | None = None
    joined: dict[str, Joined] = {}
    blanks: list[str] = []  # words that mean an empty cell
    yes: list[str] = []  # words of consent besides yes, true, 1 and no, false, 0
    no: list[str] = []
    decimal: DecimalSign | None = None  # without it, the file's amounts show it
    delimiter: str = ","
    encoding: str = "utf-8"

    def columns(self) -> set[str]:
        """Every column of the file that the mapping names."""
        named = {column for part in (self.fields, self.items) for column in _named_columns(part)}
        named |= {column for rule in self.rules for column in rule.when}
        named |= set(template_columns(self.anonymous_id or ""))
        if self.carry_down is not None:
            down = self.carry_down
            named |= {*down.columns, *down.copies.values(), *down.start, *([down.key] if down.key else [])}
            named -= set(down.copies)
        named |= {column for joined in self.joined.values() for column in joined.columns}
        return named - set(self.joined)


def field_columns(part: Fields | Items | None) -> dict[str, Column]:
    """The fields that a part of a mapping names, with their columns."""
    if part is None:
        return {}
    names = part.__struct_fields__ if isinstance(part, Fields) else _ITEM_COLUMNS
    return {name: column for name in names if (column := getattr(part, name)) is not None}


def listed(column: Column) -> list[str]:
    """The columns of a field."""
    return [column] if isinstance(column, str) else column


def _named_columns(part: Fields | Items | None) -> Iterator[str]:
    for column in field_columns(part).values():
        yield from listed(column)
    if isinstance(part, Items):
        yield from part.attributes.values()
        yield from (column for pair in part.attribute_pairs for column in pair)
        yield from (column for rule in part.rules for column in rule.when)
        if part.parent is not None:
            yield from (part.parent.column, *part.parent.names, *part.parent.columns)


_ITEM_COLUMNS: Final = tuple(name for name in c.CATALOGUE.names if name != c.ATTRIBUTES)


def template_columns(template: str) -> list[str]:
    """The columns that a template such as ``invoice-{invoice_no}`` names."""
    return re.findall(r"\{([^{}]+)\}", template)
