"""Rows as CSV that a spreadsheet opens without running anything, streamed in bounded memory."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import numpy as np
import orjson

from serving.tables import ServedTable

ROWS_PER_BLOCK: Final = 2_000
# A cell that starts with one of these is a formula, or becomes one: OWASP's "CSV injection".
FORMULA_STARTS: Final = tuple("=+-@\t\r\n\0＝＋－＠")


def csv_cell(value: Any) -> Any:
    """A cell's text. Text that a spreadsheet would run gets a leading apostrophe; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, (list, dict)):
        value = _structured(value)
    text = str(value)
    # Leading blanks are skipped by some readers before they look for a formula.
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


async def stream_csv(table: ServedTable, positions: np.ndarray, columns: Sequence[str]) -> AsyncIterator[bytes]:
    """The header, then the rows, block by block."""
    yield _lines([columns])
    for start in range(0, len(positions), ROWS_PER_BLOCK):
        block = positions[start : start + ROWS_PER_BLOCK]
        yield await asyncio.to_thread(_block, table, block, columns)


def _block(table: ServedTable, positions: np.ndarray, columns: Sequence[str]) -> bytes:
    return _lines(zip(*table.cells(positions, columns).values(), strict=True))


def _lines(rows: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([csv_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _structured(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    return orjson.dumps(value, default=str).decode()
