"""CSV files that settings name, such as exchange rates or the demand calendar."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.errors import SettingsError


def table_rows(
    path: Path, what: str, needed: Sequence[str], further: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands (file and line), and its cells by the names of the header; empty lines are skipped.

    `what` names the table in messages, with its article. Raises SettingsError for a file that cannot be read, a header
    that lacks a `needed` column or has one that is neither needed nor `further`, and a row of another length.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            if not set(needed) <= set(header) <= {*needed, *further} or len(set(header)) < len(header):
                raise SettingsError(
                    f"{path} has the columns {', '.join(map(repr, header)) or 'none'}; {what} has {', '.join(needed)} "
                    f"and may have {', '.join(further)}, each once."
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
            f"{', '.join(needed)} and, if wanted, {', '.join(further)}."
        ) from None
