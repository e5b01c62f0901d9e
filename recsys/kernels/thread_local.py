"""Thread-local buffers, so that concurrent requests do not share memory."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Buffer = TypeVar("Buffer")


class ThreadLocal(Generic[Buffer]):
    """A buffer that each thread makes at its first use and then reuses."""

    def __init__(self, make: Callable[[], Buffer]) -> None:
        self._make = make
        self._local = threading.local()

    def get(self) -> Buffer:
        """The buffer of this thread."""
        buffer: Buffer | None = getattr(self._local, "buffer", None)
        if buffer is None:
            buffer = self._local.buffer = self._make()
        return buffer
