"""Filters on a table's columns, as written in a URL: `where=churn_band:eq:high`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import InputError

MAX_VALUE_CHARS: Final = 200
MAX_LISTED_VALUES: Final = 30  # a column of more texts is not checked for mistyped ones
_EXACT: Final = frozenset({"eq", "ne", "in", "not_in"})

Mask = Any  # pyarrow's boolean ChunkedArray
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Mask]]] = {
    "eq": pc.equal,
    "ne": pc.not_equal,
    "lt": pc.less,
    "le": pc.less_equal,
    "gt": pc.greater,
    "ge": pc.greater_equal,
}
OPERATORS: Final = {
    "eq": "equal to the value",
    "ne": "not equal to it; nulls do not count",
    "lt": "less than it",
    "le": "at most",
    "gt": "greater than it",
    "ge": "at least",
    "in": "one of several values, separated by '|'",
    "not_in": "none of several values; nulls count",
    "contains": "text, or a list with a text, that contains the value, whatever the case",
    "null": "`true`: has no value; `false`: has one",
}


@dataclass(frozen=True)
class Filter:
    """One column, one operator, one value, all checked."""

    column: str
    operator: str
    value: Any

    @property
    def reads_text(self) -> bool:
        """Whether the text of every cell is searched, which is slow."""
        return self.operator == "contains"

    def mask(self, column: pa.ChunkedArray) -> Mask:
        """Which rows pass; null where the column is null. Raises InputError if the column's type does not allow it."""
        try:
            return _MASKS[self.operator](column, self.value)
        except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
            raise InputError(
                f"where: {self.column!r} holds {column.type}, which {self.operator!r} cannot test."
            ) from None


def parse_filter(text: str, schema: pa.Schema) -> Filter:
    """Read `column:operator:value`; raises InputError, naming the columns or operators that exist."""
    name, _, rest = text.partition(":")
    operator, separator, value = rest.partition(":")
    if name not in schema.names:
        raise InputError(f"where: there is no column {name[:80]!r}; there are {', '.join(schema.names)}.")
    if not separator or operator not in OPERATORS:
        raise InputError(
            f"where: {operator[:80]!r} is not an operator; write column:operator:value, for example "
            f"{name}:eq:VALUE, with one of {', '.join(OPERATORS)}."
        )
    if len(value) > MAX_VALUE_CHARS:
        raise InputError(f"where: the value for {name!r} is longer than {MAX_VALUE_CHARS} characters.")
    return Filter(name, operator, _READERS.get(operator, _scalar)(value, schema.field(name)))


def require_known(condition: Filter, column: pa.ChunkedArray) -> None:
    """Raise InputError where the filter compares a column of few texts with one that it cannot have."""
    wanted = condition.value if condition.operator in ("in", "not_in") else (condition.value,)
    if condition.operator not in _EXACT or not pa.types.is_string(column.type):
        return
    declared = c.DECLARED_VALUES.get(condition.column, ())
    if set(wanted) <= set(declared):
        return
    present = pc.unique(column).drop_null().to_pylist()
    known = [*declared, *sorted(set(present) - set(declared))]
    unknown = [value for value in wanted if value not in known]
    if unknown and 0 < len(known) <= MAX_LISTED_VALUES:
        raise InputError(
            f"where: {condition.column!r} is never {unknown[0][:80]!r}; it is one of {', '.join(map(repr, known))}."
        )


def _scalar(text: str, field: pa.Field) -> Any:
    try:
        if pa.types.is_timestamp(field.type):
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time
        return pa.scalar(text).cast(field.type).as_py()
    except (ValueError, pa.ArrowException):
        raise InputError(f"where: {field.name!r} holds {field.type}; {text[:40]!r} is not one.") from None


def _list_of(text: str, field: pa.Field) -> tuple[Any, ...]:
    return tuple(_scalar(part, field) for part in text.split("|"))


def _substring(text: str, field: pa.Field) -> str:
    kind = field.type.value_type if _is_list(field.type) else field.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputError(f"where: 'contains' needs a column of text; {field.name!r} holds {field.type}.")
    return text


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _boolean(text: str, field: pa.Field) -> bool:
    if text not in {"true", "false"}:
        raise InputError(f"where: {field.name}:null: takes true or false; {text[:40]!r} was given.")
    return text == "true"


def _compare(operator: str) -> Callable[[pa.ChunkedArray, Any], Mask]:
    compare = _COMPARISONS[operator]
    return lambda column, value: compare(column, pa.scalar(value, column.type))


def _contains(column: pa.ChunkedArray, value: str) -> Mask:
    if not _is_list(column.type):
        return pc.match_substring(column, value, ignore_case=True)
    lists = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    # Many lists hold few distinct texts.
    parts = lists.flatten().dictionary_encode()
    is_match = np.append(
        pc.match_substring(parts.dictionary, value, ignore_case=True).to_numpy(zero_copy_only=False), False
    )
    codes = pc.fill_null(parts.indices, len(parts.dictionary)).to_numpy()
    matches_before = np.append(0, np.cumsum(is_match[codes]))
    ends = np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy())
    mask = np.diff(matches_before[np.append(0, ends)]) > 0
    return pa.chunked_array([mask])


_READERS: Final[dict[str, Callable[[str, pa.Field], Any]]] = {
    "in": _list_of,
    "not_in": _list_of,
    "contains": _substring,
    "null": _boolean,
}
_MASKS: Final[dict[str, Callable[[pa.ChunkedArray, Any], Mask]]] = {
    **{operator: _compare(operator) for operator in _COMPARISONS},
    "in": lambda column, values: pc.is_in(column, pa.array(values, column.type)),
    "not_in": lambda column, values: pc.invert(pc.is_in(column, pa.array(values, column.type))),
    "contains": _contains,
    "null": lambda column, is_null: pc.is_null(column) if is_null else pc.is_valid(column),
}
