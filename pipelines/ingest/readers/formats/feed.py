"""A feed of products as XML, RSS 2.0 or Atom, as Google Merchant Center takes it.

The text is parsed as it is read, and each product is kept until its end only. A document type, and so every entity of
its own, is refused: no shop's feed needs one, and some attack with them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Export, Head, Terms
from pipelines.ingest.readers.formats.items import item_records
from pipelines.ingest.readers.lines import readable
from pipelines.ingest.readers.rows import Row, Rows
from pipelines.ingest.readers.tables.mapping import load_mapping
from pipelines.ingest.readers.tables.tabular import decimal_sign

READ_BYTES: Final = 1 << 16
MAX_CHARS: Final = 10_000  # of one field; the rest is left out
_MAPPING: Final = "google_merchant"
_PRODUCTS: Final = ("item", "entry")
_NAMESPACE: Final = b"base.google.com/ns/1.0"


class FeedFormat:
    """The same mapping as that of feeds in TSV; a field of a product is a column."""

    name = "google_merchant_xml"

    def recognizes(self, head: Head) -> bool:
        """Whether the feed names Google's namespace."""
        return head.kind == "xml" and _NAMESPACE in head.start

    def open(self, path: Path, head: Head, terms: Terms) -> Export:
        """The feed's products. Raises InputError where it is no XML, or has a document type."""
        mapping = load_mapping(_MAPPING)
        columns = tuple(sorted(mapping.columns()))
        stated = {name for product in _products(path) for name in product}
        decimal = decimal_sign(path, mapping, terms, _rows(path, columns))
        return Export(
            self.name,
            "Google Merchant feed (XML)",
            takes=tuple(name for name in columns if name in stated),
            leaves=tuple(sorted(stated - set(columns))),
            items=item_records(_rows(path, columns), mapping, decimal),
        )


def _rows(path: Path, columns: tuple[str, ...]) -> Rows:
    products = enumerate(_products(path), start=1)
    rows = (Row(number, tuple(product.get(name, "") for name in columns)) for number, product in products)
    return Rows(columns, rows)


def _products(path: Path) -> Iterator[dict[str, str]]:
    """The fields of each product: the text of its children, of several with one name the first."""
    reader = _Reader()
    with readable(path) as file:
        try:
            while text := file.read(READ_BYTES):
                reader.parser.Parse(text, False)
                yield from reader.drained()
            reader.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise InputError(f"{path} is no whole XML file: {error}. Nothing of this call was stored.") from None
        except _DocumentTypeError:
            raise InputError(f"{path} has a document type (DOCTYPE), which is not read. Remove it.") from None
    yield from reader.drained()


class _DocumentTypeError(Exception):
    """The file defines a document type, and perhaps entities."""


class _Reader:
    """Collects the products that a parser has passed."""

    def __init__(self) -> None:
        self.parser: Any = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = _refuse
        self._done: list[dict[str, str]] = []
        self._product: dict[str, str] | None = None
        self._depth = 0  # below the product
        self._field = ""
        self._texts: list[str] = []
        self._chars = 0

    def drained(self) -> list[dict[str, str]]:
        """The products since the last call."""
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        bare = name.rpartition(":")[2]
        if self._product is None:
            if bare in _PRODUCTS:
                self._product, self._depth = {}, 0
            return
        self._depth += 1
        if self._depth == 1:
            self._field, self._texts, self._chars = bare, [], 0
            if bare == "link" and "href" in attributes:  # of Atom
                self._texts.append(attributes["href"][:MAX_CHARS])

    def _end(self, name: str) -> None:
        if self._product is None:
            return
        if self._depth == 0:
            self._done.append(self._product)
            self._product = None
        elif self._depth == 1:
            self._product.setdefault(self._field, "".join(self._texts).strip())
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._product is not None and self._depth == 1 and self._chars < MAX_CHARS:
            self._texts.append(text[: MAX_CHARS - self._chars])
            self._chars += len(text)


def _refuse(*_: Any) -> None:
    raise _DocumentTypeError
