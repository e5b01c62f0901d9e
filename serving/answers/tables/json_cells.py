"""JSON cells of a table: times in UTC as ISO 8601, no NaN, single precision without invented digits."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

import pyarrow as pa


def rows_as_json(table: pa.Table) -> list[dict[str, Any]]:
    """Each row as a dictionary ready for JSON; meant for the few rows of an answer."""
    columns = {field.name: _column(field.type, table.column(field.name)) for field in table.schema}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _column(kind: pa.DataType, column: pa.ChunkedArray) -> list[Any]:
    convert = next((convert for is_kind, convert in _CONVERTERS if is_kind(kind)), None)
    cells: list[Any] = column.to_pylist()
    return cells if convert is None else [None if cell is None else convert(cell) for cell in cells]


def _time(time: datetime) -> str:
    in_utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return in_utc.isoformat().replace("+00:00", "Z")


def _single(number: float) -> float | None:
    return float(f"{number:.7g}") if isfinite(number) else None


def _double(number: float) -> float | None:
    return number if isfinite(number) else None


_CONVERTERS: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], Any]], ...]] = (
    (pa.types.is_timestamp, _time),
    (pa.types.is_date, lambda day: day.isoformat()),
    (pa.types.is_float32, _single),
    (pa.types.is_float64, _double),
    (pa.types.is_decimal, float),
    (lambda kind: pa.types.is_time(kind) or pa.types.is_duration(kind) or pa.types.is_binary(kind), str),
)
