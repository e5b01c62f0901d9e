"""Load mappings: TOML files that define how rows of a table become events or items, checked when they are loaded."""

import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from contracts.errors import InputError
from contracts.events.names import EVENT_NAMES, V1_ALIASES
from contracts.logs.sources import JSON_FILE, RESERVED
from pipelines.ingest.readers.tables.language import IDENTIFY, CarryDown, Conditions, Fields, Mapping, Rule

SHIPPED: Final = "mappings"  # folder


def load_mapping(name: str) -> Mapping:
    """The shipped mapping with this name, or the mapping in the file with this path. Raises InputError."""
    text = _read(name)
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"mapping {name}: {error}. The mapping language is described in docs/events.md.") from None
    _check(f"mapping {name}", mapping)
    return msgspec.structs.replace(mapping, source=mapping.source or Path(name).stem)


def shipped_mappings() -> list[str]:
    """The names of the mappings that come with Shopkeeper."""
    folder = resources.files("pipelines.ingest.readers") / SHIPPED
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


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
    _check_names(f"{where}: constants", mapping.constants, set(Fields.__struct_fields__) - {"timestamp", "message_id"})
    _check_names(f"{where}: lower_case", mapping.lower_case, set(Fields.__struct_fields__))
    if len(mapping.delimiter) != 1:
        raise InputError(f"{where}: delimiter is {mapping.delimiter!r}; one character is needed.")
    try:
        "".encode(mapping.encoding)
    except LookupError:
        raise InputError(
            f"{where}: encoding {mapping.encoding!r} is unknown; for example 'utf-8', 'latin-1'."
        ) from None
    _check_parts(where, mapping)
    for number, rule in enumerate(mapping.rules, start=1):
        _check_rule(f"{where}, rule {number}", rule)


def _check_names(where: str, given: Iterable[str], allowed: set[str]) -> None:
    if unknown := sorted(set(given) - allowed):
        raise InputError(f"{where} has unknown fields {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}.")


def _check_parts(where: str, mapping: Mapping) -> None:
    """What one part of a mapping requires of another."""
    is_refused = mapping.export is not None and mapping.export.refused is not None
    if mapping.fields is None and mapping.items is None and not is_refused:
        raise InputError(f"{where}: give [fields] with [[rules]] for events, or [items] for a catalogue.")
    if mapping.fields is not None and not mapping.rules:
        raise InputError(f"{where}: `rules` is empty; give at least one [[rules]] with an `event`.")
    if mapping.fields is not None and mapping.fields.timestamp is None:
        timed = sorted({rule.event for rule in mapping.rules if rule.event not in (None, IDENTIFY)})
        if timed:
            raise InputError(f"{where}: `timestamp` is needed, the column that says when {', '.join(timed)} happened.")
    if mapping.carry_down is not None:
        _check_carry_down(f"{where}: carry_down", mapping.carry_down)
    for name, joined in mapping.joined.items():
        if len(joined.between) != len(joined.columns) - 1:
            raise InputError(f"{where}: joined.{name} needs one text fewer in `between` than it has columns.")
    for rule in mapping.items.rules if mapping.items else ():
        _check_conditions(f"{where}: items", rule.when)


def _check_carry_down(where: str, down: CarryDown) -> None:
    if (down.key is None) == (not down.start):
        raise InputError(f"{where}: give either `key`, a column that is equal in a group, or `start`.")
    _check_conditions(where, down.start)


def _check_rule(where: str, rule: Rule) -> None:
    if (rule.event is None) == (rule.reject is None):
        raise InputError(f"{where}: give either `event` or `reject`.")
    if rule.event is not None and rule.event not in {*EVENT_NAMES, *V1_ALIASES, IDENTIFY}:
        allowed = ", ".join((*EVENT_NAMES, IDENTIFY))
        raise InputError(f"{where}: {rule.event!r} is not an event; allowed are {allowed}.")
    if rule.reject is not None and not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", rule.reject):
        raise InputError(f"{where}: reject = {rule.reject!r}; a code has small letters, digits and '_' only.")
    if rule.reject is not None and not rule.reason:
        raise InputError(f"{where}: `reject` needs a `reason`, which is kept with each row.")
    _check_conditions(where, rule.when)


def _check_conditions(where: str, conditions: Conditions) -> None:
    for column, pattern in conditions.items():
        try:
            re.compile(pattern)
        except re.error as error:
            raise InputError(f"{where}: {column} = {pattern!r} is not a regular expression: {error}.") from None
