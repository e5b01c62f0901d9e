"""Exports as the shops' systems write them: the headers are facts, the rows are made up."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

HEADERS = Path(__file__).parent / "headers"  # one line each, with the delimiter of the system
DELIMITERS = {"prestashop_products": ";"}


def header_of(name: str) -> list[str]:
    """The columns of an export, as its system writes them."""
    text = (HEADERS / f"{name}.csv").read_text()
    return next(csv.reader(io.StringIO(text), delimiter=DELIMITERS.get(name, ",")))


def names_of_exports() -> list[str]:
    """Every export of which the header is known."""
    return sorted(path.stem for path in HEADERS.glob("*.csv"))


def export_text(name: str, rows: Sequence[dict[str, str]], header: Sequence[str] | None = None) -> str:
    """A file of an export; a row names the cells that are not blank."""
    columns = list(header or header_of(name))
    assert not {column for row in rows for column in row} - set(columns)
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval="", delimiter=DELIMITERS.get(name, ","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def variants(name: str, rows: Sequence[dict[str, str]]) -> dict[str, bytes]:
    """The same file as other programs write it; each must mean the same."""
    text, columns = export_text(name, rows), header_of(name)
    upper = {column: column.upper() for column in columns}
    shouted = [{upper[column]: cell for column, cell in row.items()} for row in rows]
    return {
        "as it is": text.encode(),
        "byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "CRLF": text.replace("\n", "\r\n").encode(),
        "other order": export_text(name, rows, columns[::-1]).encode(),
        "further columns": export_text(name, rows, ["Metafield: custom.a [text]", *columns, "Zusatz"]).encode(),
        "capitals": export_text(name, shouted, [upper[column] for column in columns]).encode(),
        "blank rows": (text + DELIMITERS.get(name, ",") * (len(columns) - 1) + "\n\n").encode(),
        "cp1252": text.encode("cp1252", "replace"),
    }
