"""CSV files that settings name, such as exchange rates or the demand calendar."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.errors import SettingsError


def table_rows(
    path: Path, what: str, required: Sequence[str], optional: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row's place (file and line) and its cells by column name; empty lines are skipped.

    `what` is the table's name in messages, with its article. Raises SettingsError for a file that cannot be read, for a
    header without a `required` column or with one that is neither required nor `optional`, and for a row whose length
    differs from the header's.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            if not set(required) <= set(header) <= {*required, *optional} or len(set(header)) < len(header):
                raise SettingsError(
                    f"{path} has the columns {', '.join(map(repr, header)) or 'none'}; {what} has "
                    f"{', '.join(required)} and may have {', '.join(optional)}, each once."
                )
            for cells in lines:
                place = f"{path}, line {lines.line_num}"
                if cells and len(cells) != len(header):
                    raise SettingsError(f"{place}: {len(cells)} values, where the header has {len(header)}.")
                if cells:
                    yield place, dict(zip(header, map(str.strip, cells), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"{what} was expected: {str(path)!r} cannot be read ({error}). Give a CSV file with the columns "
            f"{', '.join(required)} and, optionally, {', '.join(optional)}."
        ) from None
