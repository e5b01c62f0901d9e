"""parameters.json in a model's folder: what the model's other files do not hold, and the features it was fitted on."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from contracts.errors import BundleRefused

PARAMETERS_FILE: Final = "parameters.json"
FEATURES: Final = "features"


def write_parameters(folder: Path, content: dict[str, Any], features: Iterable[str]) -> None:
    """Write `content` and the names of the features; creates the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content | {FEATURES: list(features)}, indent=1) + "\n"
    (folder / PARAMETERS_FILE).write_text(text, encoding="utf-8")


def read_parameters(folder: Path, features: Iterable[str]) -> dict[str, Any]:
    """What `write_parameters` wrote; raises BundleRefused where the features differ, or the file cannot be read."""
    path = folder / PARAMETERS_FILE
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_same = stored[FEATURES] == list(features)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleRefused(f"{path} cannot be read ({error!r}). Run `shopkeeper train` and publish again.") from error
    if not is_same:
        raise BundleRefused(
            f"{path} is of a model with other features than this version's. Run `shopkeeper train` and publish again."
        )
    return stored
