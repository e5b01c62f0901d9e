"""Mappings: TOML files that define how rows of a table become events, checked when they are loaded."""

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from contracts.errors import InputError
from contracts.events.names import EVENT_NAMES, V1_ALIASES
from contracts.logs.sources import JSON_FILE, RESERVED

SHIPPED: Final = "mappings"  # folder beside this module


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For each field of an event, the column that holds it."""

    timestamp: str
    message_id: str | None = None  # without one, the hash of the whole row is the id
    user_id: str | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    order_id: str | None = None
    item_id: str | None = None
    item_name: str | None = None
    item_category: str | None = None
    item_brand: str | None = None
    quantity: str | None = None
    price: str | None = None  # per unit
    revenue: str | None = None
    discount: str | None = None
    shipping: str | None = None
    tax: str | None = None
    coupon: str | None = None
    currency: str | None = None
    query: str | None = None
    page_path: str | None = None
    channel: str | None = None
    country: str | None = None
    device: str | None = None
    consent_analytics: str | None = None
    consent_personalization: str | None = None
    consent_marketing: str | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with a row if each column in `when` fully matches its regular expression."""

    when: dict[str, str] = {}
    event: str | None = None  # the event's name, or ...
    reject: str | None = None  # ... the code under which the row goes to the quarantine
    reason: str | None = None
    negate_quantity: bool = False  # the file writes returns with negative quantities
    is_product: bool = True  # false: quantity × price is an amount without an item, counted as a fee


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file."""

    fields: Fields
    rules: list[Rule]
    source: str = ""  # kept with each event; default: the mapping's name
    timezone: str = "UTC"  # of times without a time zone
    timestamp_format: str | None = None  # strptime's; default: ISO 8601
    timestamp_unit: Literal["s", "ms", "us"] | None = None  # of times that are numbers
    anonymous_id: str | None = None  # template such as "invoice-{invoice_no}", for rows without any id
    constants: dict[str, str] = {}  # fields that are the same for every row
    delimiter: str = ","
    encoding: str = "utf-8"

    def columns(self) -> set[str]:
        """Every column that the mapping needs."""
        named = {name for name in msgspec.structs.astuple(self.fields) if name is not None}
        asked = {column for rule in self.rules for column in rule.when}
        return named | asked | set(template_columns(self.anonymous_id or ""))


def load_mapping(name: str) -> Mapping:
    """The shipped mapping with this name, or the mapping in the file with this path. Raises InputError."""
    text = _read(name)
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"mapping {name}: {error}. The mapping language is described in docs/events.md.") from None
    for number, rule in enumerate(mapping.rules, start=1):
        _check_rule(f"mapping {name}, rule {number}", rule)
    _check(f"mapping {name}", mapping)
    return msgspec.structs.replace(mapping, source=mapping.source or Path(name).stem)


def shipped_mappings() -> list[str]:
    """The names of the mappings that come with Shopkeeper."""
    folder = resources.files("pipelines.ingest.readers") / SHIPPED
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def template_columns(template: str) -> list[str]:
    """The columns that a template such as ``invoice-{invoice_no}`` names."""
    return re.findall(r"\{([^{}]+)\}", template)


def _read(name: str) -> str:
    if name in shipped_mappings():
        return (resources.files("pipelines.ingest.readers") / SHIPPED / f"{name}.toml").read_text("utf-8")
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        known = ", ".join(shipped_mappings())
        raise InputError(f"mapping {name!r} is neither a readable file nor one of those shipped: {known}.") from None


def _check(where: str, mapping: Mapping) -> None:
    try:
        ZoneInfo(mapping.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError(
            f"{where}: timezone {mapping.timezone!r} is unknown; give an IANA name such as 'Europe/London'."
        ) from None
    if mapping.source.startswith(RESERVED):
        raise InputError(f"{where}: source is {mapping.source!r}; {' and '.join(RESERVED)} begin those of API keys.")
    if mapping.source == JSON_FILE:
        raise InputError(f"{where}: source {JSON_FILE!r} is that of JSON lines. Give `source` another name.")
    allowed = set(Fields.__struct_fields__) - {"timestamp", "message_id"}
    if unknown := sorted(set(mapping.constants) - allowed):
        raise InputError(
            f"{where}: constants has unknown fields {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}."
        )
    if len(mapping.delimiter) != 1:
        raise InputError(f"{where}: delimiter is {mapping.delimiter!r}; one character is needed.")
    try:
        "".encode(mapping.encoding)
    except LookupError:
        raise InputError(
            f"{where}: encoding {mapping.encoding!r} is unknown; for example 'utf-8', 'latin-1'."
        ) from None
    if not mapping.rules:
        raise InputError(f"{where}: `rules` is empty; give at least one [[rules]] with an `event`.")


def _check_rule(where: str, rule: Rule) -> None:
    if (rule.event is None) == (rule.reject is None):
        raise InputError(f"{where}: give either `event` or `reject`.")
    if rule.event is not None and rule.event not in {*EVENT_NAMES, *V1_ALIASES}:
        raise InputError(f"{where}: {rule.event!r} is not an event; allowed are {', '.join(EVENT_NAMES)}.")
    if rule.reject is not None and not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", rule.reject):
        raise InputError(f"{where}: reject = {rule.reject!r}; a code has small letters, digits and '_' only.")
    if rule.reject is not None and not rule.reason:
        raise InputError(f"{where}: `reject` needs a `reason`, which is kept with each row.")
    for column, pattern in rule.when.items():
        try:
            re.compile(pattern)
        except re.error as error:
            raise InputError(f"{where}: {column} = {pattern!r} is not a regular expression: {error}.") from None
