"""Thread-local buffers: memory that requests work in, one per thread, so that threads do not share it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Buffer = TypeVar("Buffer")


class ThreadLocal(Generic[Buffer]):
    """A buffer that each thread makes at its first request and uses again in all later ones."""

    def __init__(self, make: Callable[[], Buffer]) -> None:
        self._make = make
        self._local = threading.local()

    def get(self) -> Buffer:
        """The buffer of this thread."""
        buffer: Buffer | None = getattr(self._local, "buffer", None)
        if buffer is None:
            buffer = self._local.buffer = self._make()
        return buffer
