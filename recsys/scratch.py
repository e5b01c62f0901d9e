"""Scratch: memory that a request works in, one per thread, so that threads do not get in each other's way."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Memory = TypeVar("Memory")


class Scratch(Generic[Memory]):
    """Made at a thread's first request, then used by all its others."""

    def __init__(self, make: Callable[[], Memory]) -> None:
        self._make = make
        self._local = threading.local()

    def get(self) -> Memory:
        """This thread's own."""
        memory: Memory | None = getattr(self._local, "memory", None)
        if memory is None:
            memory = self._local.memory = self._make()
        return memory
