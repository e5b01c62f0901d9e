"""All formats of exports, and which one a file has."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contracts.errors import InputError
from pipelines.ingest.readers.formats.feed import FeedFormat
from pipelines.ingest.readers.formats.format import Format, Head
from pipelines.ingest.readers.formats.table import table_formats

TABLE_FORMATS: Final = table_formats()
FORMATS: Final[tuple[Format, ...]] = (*TABLE_FORMATS, FeedFormat())


def recognize(path: Path, head: Head, formats: Sequence[Format] = FORMATS) -> Format | None:
    """The format of a file that begins so; None where no format recognises it. Raises InputError where several do."""
    found = [each for each in formats if each.recognizes(head)]
    if len(found) > 1:
        names = " or ".join(each.name for each in found)
        raise InputError(f"{path} may be {names}. Say which: for example --mapping {found[0].name}.")
    return found[0] if found else None
