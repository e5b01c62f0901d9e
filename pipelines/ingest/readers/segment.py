"""JSON lines of Segment's tracking spec, plain or gzip: one event per line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.events.parse import MAX_EVENT_BYTES
from pipelines.ingest.readers.lines import LineBlock, read_blocks
from pipelines.ingest.readers.record import Record, Refusal


@dataclass(frozen=True)
class SegmentBlock:
    """Lines of a file as records, without blank lines."""

    lines: LineBlock

    def __iter__(self) -> Iterator[Record]:
        for number, text, size in self.lines:
            stripped = text.strip()
            if size > MAX_EVENT_BYTES:
                yield Record(text, number, size, oversized(size))
            elif stripped:
                yield Record(stripped, number, size)


def read_segment(path: Path) -> Iterator[SegmentBlock]:
    """The records of a file, in blocks. Raises InputError where the file cannot be read."""
    return map(SegmentBlock, read_blocks(path))


def oversized(size: int) -> Refusal:
    """The refusal of a line that is too long."""
    return Refusal(
        "too_large",
        f"the line is {size:,} bytes; at most {MAX_EVENT_BYTES:,} are allowed. Send one event per line, with "
        "fewer properties.",
    )
