"""What a format of exports is: how a file of it is recognised, and what is read from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from contracts.validation.amounts import DecimalSign
from pipelines.ingest.readers.record import Record

Kind = Literal["table", "parquet", "json", "xml", "other"]


@dataclass(frozen=True)
class Head:
    """The beginning of a file."""

    kind: Kind
    start: bytes  # decompressed, without a byte order mark
    columns: tuple[str, ...] = ()  # of a table or of Parquet, as they are written there
    first: dict[str, Any] = field(default_factory=dict)  # the JSON object of the first line, where there is one
    delimiter: str = ","  # of a table
    encoding: str = "utf-8"  # of a table
    name: str = ""  # of the file


@dataclass(frozen=True)
class Terms:
    """What a call of ingest says about all its files."""

    at: datetime  # of the ingest: the time of what has none
    decimal: DecimalSign | None = None  # which sign marks decimals, where the user said so


@dataclass(frozen=True)
class Export:
    """A file that was opened by its format. `blocks` and `items` are iterated once."""

    source: str  # kept with each event
    title: str
    takes: tuple[str, ...]  # columns, or fields, that are read
    leaves: tuple[str, ...] = ()  # those that are not
    blocks: Iterable[Iterable[Record]] = ()  # events
    items: Iterable[Record] | None = None  # rows of the catalogue, in the form that a catalogue file has
    is_partial: bool = False  # of items: what a row does not state stays as it is stored


class Format(Protocol):
    """A format of exports."""

    @property
    def name(self) -> str:
        """A name of small letters, such as shopify_orders."""

    def recognizes(self, head: Head) -> bool:
        """Whether a file that begins so is of this format, and of no other."""

    def open(self, path: Path, head: Head, terms: Terms) -> Export:
        """Open a file. Raises InputError where it lacks something that is needed, or must be asked."""
