"""Recognizes a table file that was given as JSON lines."""

import re
from pathlib import Path
from typing import Final

from contracts.errors import InputError
from pipelines.ingest.readers.lines import readable

FIRST_BYTES: Final = 4096
_PARQUET_MAGIC: Final = b"PAR1"
_SEPARATED: Final = re.compile(rb"[^,;\t|]+[,;\t|]")


def kind_of_table(path: Path) -> str | None:
    """`CSV` or `Parquet`, where the file's beginning is that of one; None for anything else. Raises InputError."""
    with readable(path) as file:
        try:
            start = file.read(FIRST_BYTES)
        except (OSError, EOFError) as error:
            raise InputError(f"{path} cannot be read: {error}.") from None
    if start.startswith(_PARQUET_MAGIC):
        return "Parquet"
    line = start.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    is_json = line.startswith((b"{", b"["))
    return "CSV" if not is_json and _SEPARATED.match(line) and b"{" not in line else None
