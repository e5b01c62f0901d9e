"""Records that do something odd to the worker process that reads them; imports no more than a worker has."""

import os
import sys
from collections.abc import Iterator

from pipelines.ingest.readers.record import Record, Refusal


class Deadly:
    """Records that end the process that reads them."""

    def __iter__(self) -> Iterator[Record]:
        os._exit(9)


class Curious:
    """A record that is refused with the file of the process's main module as the reason."""

    def __iter__(self) -> Iterator[Record]:
        yield Record(b"", 1, 0, Refusal("main", str(getattr(sys.modules["__main__"], "__file__", None))))
