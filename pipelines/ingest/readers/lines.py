"""Lines of a plain or gzip file in bounded memory, however long a line is."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from contracts.errors import InputError
from contracts.events.parse import MAX_EVENT_BYTES

BLOCK_BYTES: Final = 1 << 22
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


Line = tuple[int, bytes, int]  # number from 1, text without its end and cut at the limit, full length in bytes


@dataclass(frozen=True)
class LineBlock:
    """Consecutive lines, which are split when they are iterated."""

    first: int  # the number of the first line
    text: bytes  # ends before the last line's end
    size: int  # of a single line that was too long to be kept, its full length; else the length of `text`

    def __iter__(self) -> Iterator[Line]:
        if self.size > len(self.text):
            yield self.first, self.text, self.size
            return
        for number, text in enumerate(self.text.split(b"\n"), start=self.first):
            yield number, text[: MAX_EVENT_BYTES + 1], len(text)


def read_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[LineBlock]:
    """The lines of a file in blocks of about that size, decompressed if the content is gzip.

    Raises InputError if the file cannot be read; this can happen after some blocks.
    """
    with readable(path) as file:
        number, rest, skipped = 1, b"", 0  # `rest`: the unfinished line, of which `skipped` bytes were not kept
        for read in _reads(file, block_bytes):
            text = read
            if skipped and b"\n" in text:
                end, _, text = text.partition(b"\n")
                yield LineBlock(number, rest, len(rest) + skipped + len(end))
                number, rest, skipped = number + 1, b"", 0
            whole, newline, last = text.rpartition(b"\n")
            if newline:
                yield LineBlock(number, rest + whole, len(rest) + len(whole))
                number, rest = number + whole.count(b"\n") + 1, b""
            unfinished = rest + last
            rest = unfinished[: MAX_EVENT_BYTES + 1]
            skipped += len(unfinished) - len(rest)
        if rest:
            yield LineBlock(number, rest, len(rest) + skipped)


def _reads(file: IO[bytes], block_bytes: int) -> Iterator[bytes]:
    yield file.read(len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK)
    while read := file.read(block_bytes):
        yield read


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, one by one. Raises InputError as `read_blocks` does."""
    for block in read_blocks(path):
        yield from block


@contextmanager
def readable(path: Path) -> Iterator[IO[bytes]]:
    """The file, opened for reading bytes and decompressed if it is gzip. Errors become an InputError with its path."""
    try:
        with path.open("rb") as plain:
            is_gzip = plain.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            plain.seek(0)
            if is_gzip:
                with gzip.open(plain) as unpacked:
                    yield unpacked  # type: ignore[misc]  # GzipFile reads bytes, as IO[bytes] does
            else:
                yield plain
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path} is a damaged or truncated gzip file ({error}); nothing of this call was stored. "
            "Fetch the file again, or leave it out."
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}. Nothing of this call was stored.") from None
