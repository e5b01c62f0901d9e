"""Reads a merchant's policy file: TOML, a table per placement, in which every name and value is checked."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from contracts.errors import SettingsError
from recsys.request import PLACEMENTS
from recsys.reranking.policy import Boost, Cap, Exploration, Pin, PlacementPolicy, Policy

DEFAULT: Final = "default"  # the table whose values count in every placement that does not state its own

Form = TypeVar("Form")
Reader = Callable[[Any, str], Any]


def read_policy(path: Path) -> Policy:
    """The policy that a file states. Raises SettingsError where it cannot be read or says something unknown."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the policy file {path}: {error}. Give the path of a TOML file.") from None
    return parse_policy(text, str(path))


def parse_policy(text: str, name: str = "policy") -> Policy:
    """The policy that a text states; `name` is what errors call it."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name} is not TOML: {error}.") from None
    _refuse_unknown(tables, (DEFAULT, *PLACEMENTS), f"{name}: tables")
    try:
        default = _placement(tables.pop(DEFAULT, {}), DEFAULT, PlacementPolicy())
        return Policy(default, {placement: _placement(raw, placement, default) for placement, raw in tables.items()})
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def _placement(raw: Any, name: str, default: PlacementPolicy) -> PlacementPolicy:
    values = _read(raw, _POLICY_READERS, name)
    try:
        return replace(default, **values)
    except SettingsError as error:
        raise SettingsError(f"[{name}] {error}") from None


def _read(raw: Any, readers: Mapping[str, Reader], name: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise SettingsError(f"{name} is {raw!r}; a table with {', '.join(readers)} is needed.")
    _refuse_unknown(raw, tuple(readers), f"{name}: keys")
    return {key: readers[key](value, f"{name}.{key}") for key, value in raw.items()}


def _refuse_unknown(raw: Mapping[str, Any], allowed: tuple[str, ...], what: str) -> None:
    unknown = sorted(set(raw) - set(allowed))
    if unknown:
        raise SettingsError(f"{what} {', '.join(unknown)} are unknown; allowed are {', '.join(allowed)}.")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{name} is {value!r}; a text that is not empty is needed, in quotes.")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SettingsError(f'{name} is {value!r}; a list of texts such as ["tea", "cups"] is needed.')
    return tuple(_text(entry, name) for entry in value)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"{name} is {value!r}; true or false is needed.")
    return value


def _whole_number(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingsError(f"{name} is {value!r}; a whole number is needed.")
    return value


def _whole_numbers(value: Any, name: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise SettingsError(f"{name} is {value!r}; a list of whole numbers such as [4, 8] is needed.")
    return tuple(_whole_number(entry, name) for entry in value)


def _number(value: Any, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SettingsError(f"{name} is {value!r}; a number is needed.")
    return float(value)


def _attributes(value: Any, name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise SettingsError(f'{name} is {value!r}; a table such as {{ colour = ["red"] }} is needed.')
    return tuple((key, _texts(values, f"{name}.{key}")) for key, values in value.items())


def _caps(value: Any, name: str) -> tuple[Cap, ...]:
    if not isinstance(value, dict):
        raise SettingsError(f"{name} is {value!r}; a table such as {{ category = 3, brand = 2 }} is needed.")
    return tuple(Cap(attribute, _whole_number(limit, f"{name}.{attribute}")) for attribute, limit in value.items())


def _table(form: Callable[..., Form], readers: Mapping[str, Reader]) -> Callable[[Any, str], Form]:
    """A reader of one table into a dataclass; a field without a default must be given."""
    needed = [f.name for f in fields(form) if f.default is MISSING]  # type: ignore[arg-type]

    def read(value: Any, name: str) -> Form:
        values = _read(value, readers, name)
        missing = [key for key in needed if key not in values]
        if missing:
            raise SettingsError(f"{name} lacks {', '.join(missing)}; give {', '.join(needed)}.")
        return form(**values)

    return read


def _list_of(read: Callable[[Any, str], Form]) -> Callable[[Any, str], tuple[Form, ...]]:
    def read_list(value: Any, name: str) -> tuple[Form, ...]:
        if not isinstance(value, list):
            raise SettingsError(f"{name} is {value!r}; a list of tables is needed, each under [[{name}]].")
        return tuple(read(entry, f"{name}[{place}]") for place, entry in enumerate(value, 1))

    return read_list


_POLICY_READERS: Final[Mapping[str, Reader]] = {
    "in_stock_only": _flag,
    "categories": _texts,
    "brands": _texts,
    "attributes": _attributes,
    "exclude_items": _texts,
    "exclude_categories": _texts,
    "exclude_brands": _texts,
    "bought": _text,
    "pins": _list_of(_table(Pin, {"item": _text, "position": _whole_number})),
    "boosts": _list_of(_table(Boost, {"attribute": _text, "weight": _number, "equals": _text})),
    "caps": _caps,
    "diversity": _number,
    "minimum_items": _whole_number,
    "push_running_out": _flag,
    "exploration": _table(Exploration, {"places": _whole_numbers, "pool": _whole_number}),
}
