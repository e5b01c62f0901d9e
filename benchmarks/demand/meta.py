"""The meta.json of a folder of series: frequency, horizon, known-future covariates, and which rows are scored."""

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from contracts.errors import InputError
from models.demand.frequency import Frequency, parse_frequency

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_EQUALITY: Final = ("==", "!=")
_CONDITION: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*(==|!=|>=|<=|>|<)\s*(?:\"([^\"]*)\"|'([^']*)'|([\w.+-]+))\s*")
_KEYS: Final = ("frequency", "horizon", "known_future", "score_only_where", "unit")
_NEEDED: Final = ("frequency", "horizon")
_TRUTH: Final = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Condition:
    """One comparison of a column with a value: `open == 1`."""

    column: str
    operator: str
    value: str

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Where it holds, (rows,) bool; a missing value fails every comparison. Raises InputError."""
        if self.column not in frame.columns:
            raise InputError(
                f"score_only_where names {self.column!r}; the series have {', '.join(map(str, frame.columns))}."
            )
        column = frame[self.column]
        is_number = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
        left = column.astype(float) if is_number else column.astype(str)
        found = _OPERATORS[self.operator](left, self._number() if is_number else self._text())
        return found.to_numpy(dtype=bool) & column.notna().to_numpy()

    def _number(self) -> float:
        try:
            return float(_TRUTH.get(self.value.lower(), self.value))
        except ValueError as error:
            raise InputError(
                f"score_only_where compares {self.column!r}, which holds numbers, with {self.value!r}; name a number."
            ) from error

    def _text(self) -> str:
        if self.operator not in _EQUALITY:
            raise InputError(
                f"score_only_where compares {self.column!r}, which holds text, by {self.operator}; use == or !=."
            )
        return self.value


@dataclass(frozen=True)
class Meta:
    """A checked meta.json."""

    frequency: Frequency
    horizon: int
    known_future: tuple[str, ...] = ()
    score_only_where: Condition | None = None


def read_meta(path: Path) -> Meta:
    """The meta.json at `path`. Raises InputError with what is wrong and what is allowed."""
    try:
        given = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; it holds {', '.join(_KEYS)} of the series.") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}.") from error
    if not isinstance(given, dict):
        raise InputError(f"{path} must hold one JSON object with {', '.join(_KEYS)}.")
    return parse_meta(given)


def parse_meta(given: dict[str, Any]) -> Meta:
    """The values of a meta.json, checked. Raises InputError."""
    unknown = [name for name in given if name not in _KEYS]
    missing = [name for name in _NEEDED if name not in given]
    if unknown or missing:
        said = "does not know " + ", ".join(map(repr, unknown)) if unknown else "lacks " + ", ".join(missing)
        raise InputError(f"meta.json {said}. It holds {', '.join(_KEYS)}; the first two are needed.")
    frequency, horizon, known = given["frequency"], given["horizon"], given.get("known_future") or []
    if not isinstance(frequency, str):
        raise InputError(f"meta.json: frequency is {frequency!r}; give a text such as D, W or MS.")
    if not isinstance(horizon, int) or isinstance(horizon, bool) or horizon < 1:
        raise InputError(f"meta.json: horizon is {horizon!r}; give a whole number of periods, 1 or more.")
    if not isinstance(known, list) or not all(isinstance(name, str) for name in known):
        raise InputError(f"meta.json: known_future is {known!r}; give a list of column names, [] for none.")
    condition = given.get("score_only_where")
    return Meta(
        frequency=parse_frequency(frequency),
        horizon=horizon,
        known_future=tuple(known),
        score_only_where=None if condition is None else parse_condition(condition),
    )


def parse_condition(text: Any) -> Condition:
    """`column op value`, parsed and never executed. Raises InputError."""
    match = _CONDITION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(
            f"score_only_where is {text!r}; give null, or one comparison 'column op value' with op one of "
            f"{' '.join(_OPERATORS)}, such as 'open == 1'."
        )
    column, comparison, *values = match.groups()
    return Condition(column, comparison, next(value for value in values if value is not None))
