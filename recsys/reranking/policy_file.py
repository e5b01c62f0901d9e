"""Reads a merchant's policy file: TOML with a table per placement; every name and value is checked."""

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.errors import InputError, SettingsError
from contracts.validation.fields import convert
from recsys.request import PLACEMENTS
from recsys.reranking.policy import PlacementPolicy, Policy

DEFAULT: Final = "default"  # the table with the values of placements that do not set their own
_TABLES: Final = [(name, PlacementPolicy, PlacementPolicy()) for name in (DEFAULT, *PLACEMENTS)]
_Tables: Final = msgspec.defstruct("_Tables", _TABLES, forbid_unknown_fields=True)


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises SettingsError if the file cannot be read or has an unknown name or value."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the policy file {path}: {error}. Give the path of a TOML file.") from None
    return parse_policy(text, str(path))


def parse_policy(text: str, name: str = "policy") -> Policy:
    """The policy in a text, which errors call `name`. Raises SettingsError."""
    try:
        return _policy(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{name} is not TOML: {error}.") from None
    except (InputError, SettingsError) as error:
        raise SettingsError(f"{name}: {error}") from None


def _policy(raw: dict[str, Any]) -> Policy:
    tables: Any = convert(raw, _Tables)
    default: PlacementPolicy = tables.default

    def own(placement: str) -> PlacementPolicy:
        stated = {field: getattr(getattr(tables, placement), field) for field in raw[placement]}
        return msgspec.structs.replace(default, **stated)

    return Policy(default, {placement: own(placement) for placement in raw if placement != DEFAULT})
