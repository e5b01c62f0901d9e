"""A lock that one process holds at a time; it is free again when the process ends, however that happens."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import StorageError


@contextmanager
def exclusive(path: Path, what: str, *, waits: bool = False) -> Iterator[None]:
    """Hold the lock file of a folder to which only one `what` may write.

    Raises StorageError at once if it is held, unless it `waits`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise StorageError(
                f"another {what} (process {holder}) is writing to {path.parent}. Wait until it has ended, then run this"
                " again."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
