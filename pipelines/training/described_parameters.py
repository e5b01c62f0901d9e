"""Every parameter of a family with its type, default and meaning, read from the declaration.

The meaning is the comment behind a field, or the comment lines directly above it.
"""

import inspect
import io
import re
import tokenize
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final

import numpy as np

# Where one class inherits fields from another, both are read.
_FIELD: Final = re.compile(r"\s+(\w+)\s*:\s*\S")


@dataclass(frozen=True)
class Parameter:
    """One parameter, in words."""

    name: str
    kind: str  # its type
    default: Any
    meaning: str


def described(parameters: type) -> list[Parameter]:
    """The parameters that a dataclass declares, in its order."""
    meanings: dict[str, str] = {}
    for base in reversed(parameters.__mro__[:-1]):
        meanings |= _comments(inspect.getsource(base))
    return [
        Parameter(field.name, _kind(field.type), _default(field), meanings.get(field.name, ""))
        for field in fields(parameters)
    ]


def markdown_table(parameters: Sequence[Parameter]) -> str:
    """The parameters as rows of a Markdown table."""
    lines = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    for each in parameters:
        default = "none" if each.default is None else f"`{each.default}`"
        meaning, kind = (text.replace("|", "\\|") for text in (each.meaning, each.kind))
        lines.append(f"| `{each.name}` | {kind} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _default(field: Any) -> Any:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return None if default is MISSING else default


def _kind(kind: Any) -> str:
    if kind is np.ndarray:
        return "number"  # one per item
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def _comments(source: str) -> dict[str, str]:
    """Field -> its comment, of the source of one class."""
    lines = source.splitlines()
    behind = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(inspect.cleandoc(source) + "\n").readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, str] = {}
    above: list[str] = []
    for number, line in enumerate(lines, 1):
        field = _FIELD.match(line)
        if line.lstrip().startswith("#"):
            above.append(behind.get(number, ""))
            continue
        if field and (meaning := behind.get(number) or " ".join(above)):
            found[field.group(1)] = meaning
        above = []
    return found
