"""ThreadLocal: memory that a request works in, one per thread, so that threads do not get in each other's way."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Memory = TypeVar("Memory")
Subject = TypeVar("Subject")


class ThreadLocal(Generic[Memory]):
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


class PerThreadMemo(Generic[Subject, Memory]):
    """What was computed of a thread's last subject, so that the steps of one request compute it once."""

    def __init__(self, compute: Callable[[Subject], Memory]) -> None:
        self._compute = compute
        self._local = threading.local()

    def get(self, subject: Subject) -> Memory:
        """Computed now, unless this very object was this thread's last."""
        if getattr(self._local, "subject", None) is not subject:
            self._local.memory = self._compute(subject)
            self._local.subject = subject
        memory: Memory = self._local.memory
        return memory
