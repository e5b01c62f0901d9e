from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Export, Head, Terms
from pipelines.ingest.readers.formats.registry import FORMATS, recognize


class Planted:
    """A format of tables that have a column."""

    def __init__(self, name: str, column: str) -> None:
        self.name = name
        self._column = column

    def recognizes(self, head: Head) -> bool:
        return self._column in head.columns

    def open(self, path: Path, head: Head, terms: Terms) -> Export:
        return Export(self.name, self.name, head.columns)


def test_a_file_has_the_one_format_that_recognises_it() -> None:
    one, other = Planted("one", "a"), Planted("other", "b")
    assert recognize(Path("x"), Head("table", b"", ("b", "c")), (one, other)) is other
    assert recognize(Path("x"), Head("table", b"", ("c",)), (one, other)) is None


def test_two_formats_of_one_file_are_an_error_that_names_both() -> None:
    formats = (Planted("one", "a"), Planted("other", "b"))
    with pytest.raises(InputError, match="may be one or other"):
        recognize(Path("x"), Head("table", b"", ("a", "b")), formats)


def test_every_format_has_a_name_of_its_own() -> None:
    names = [each.name for each in FORMATS]
    assert len(set(names)) == len(names)
