"""Output of a list: standard output, or a file that is replaced only when it is complete."""

import sys
from collections.abc import Iterable
from pathlib import Path

from contracts.errors import InputError
from contracts.files.atomic import PRIVATE, replace_file


def write_blocks(blocks: Iterable[bytes], output: Path | None, is_text: bool) -> None:
    """Write to the file, or to standard output.

    Raises InputError if the file cannot be written, or if a terminal would get Parquet.
    """
    if output is not None:
        _write_file(blocks, output)
        return
    if not is_text and sys.stdout.isatty():
        raise InputError("Parquet is not for a terminal: name a file with --output, or redirect the output.")
    for block in blocks:
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def _write_file(blocks: Iterable[bytes], output: Path) -> None:
    """Replace the file when it is complete; only its owner can read it, since it lists people."""
    if output.is_dir() or not output.parent.is_dir():
        raise InputError(f"--output {output}: name a file in a folder that exists.")
    replace_file(output, blocks, PRIVATE)
