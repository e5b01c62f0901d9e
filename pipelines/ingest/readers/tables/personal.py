"""Columns of personal data that nobody needs: they are not kept, not even with a row that is refused."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from pipelines.ingest.readers.rows import Row

# Words of a column's name, in the languages of many shops.
_PERSONAL: Final = re.compile(
    r"\b(pass(word|wd)?|pwd|hash|token|ip|phone|mobile|telefon|telefonnummer|tel|fax|latitude|longitude|"
    r"dob|date of birth|birth ?da(y|te)|geburtsdatum|geburtstag|taxvat|tax id|vat id|vat number|iban|card number|"
    r"credit card|street|strasse|straße|address ?[12]?|first ?name|last ?name|surname|full ?name|vorname|nachname|"
    r"(billing|shipping|customer) name)\b"
)
_NO_ADDRESS: Final = re.compile(r"\b(e ?mail|web|page|site)\b")  # such as `email address`


def is_personal(column: str) -> bool:
    """Whether the name of a column says that its cells are a person's, and no id of the person."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    plain = " ".join(re.sub(r"[\W_]+", " ", spaced).lower().split())
    return _PERSONAL.search(plain) is not None and _NO_ADDRESS.search(plain) is None


class Kept:
    """Which cells of a table's rows may be kept: those that the mapping names, and those that are not personal."""

    def __init__(self, columns: Sequence[str], named: Collection[str]) -> None:
        self._width = len(columns)
        self._places = [place for place, column in enumerate(columns) if column in named or not is_personal(column)]
        self._columns = tuple(columns[place] for place in self._places)
        self._is_all = len(self._places) == self._width
        self._all = tuple(columns)

    def __call__(self, row: Row) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """The columns and cells that may be kept. Of a row with more or fewer cells than the header, only the line."""
        values = row.values
        if self._is_all:
            return self._all, values
        if len(values) != self._width:
            return ("line", "cells"), (row.number, len(values))
        return self._columns, tuple(values[place] for place in self._places)
