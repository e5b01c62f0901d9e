"""How long-running work reports its progress."""

from typing import Protocol


class Progress(Protocol):
    """Called with the step's name and, where known, how much of how much is done."""

    def __call__(self, step: str, done: float | None = None, total: float | None = None) -> None:
        """Report; a new `step` ends the one before it."""


def silent(step: str, done: float | None = None, total: float | None = None) -> None:
    """Ignore the progress."""
