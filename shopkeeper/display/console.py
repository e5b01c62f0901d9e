"""The console: progress goes to standard error, results to standard output, as text or JSON."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

console = Console()
errors = Console(stderr=True)


class Steps:
    """A progress listener that draws a bar per step and remembers how long each took."""

    def __init__(self, bars: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._bars = bars
        self._step: str | None = None
        self._started = time.monotonic()
        self._task: Any = None

    def __call__(self, step: str, done: float | None = None, total: float | None = None) -> None:
        if step != self._step:
            self.finish()
            self._step, self._started = step, time.monotonic()
            self._task = self._bars.add_task(step, total=total)
        if done is not None:
            self._bars.update(self._task, completed=done, total=total)

    def finish(self) -> None:
        """End the current step."""
        if self._step is None:
            return
        elapsed = time.monotonic() - self._started
        self.seconds[self._step] = round(self.seconds.get(self._step, 0.0) + elapsed, 3)
        self._bars.update(self._task, total=1, completed=1)
        self._step = None


@contextmanager
def steps() -> Iterator[Steps]:
    """Show progress on standard error while the block runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bars:
        listener = Steps(bars)
        try:
            yield listener
        finally:
            listener.finish()


def print_json(value: Any) -> None:
    """Print one JSON object on standard output, without styles."""
    json.dump(value, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")
