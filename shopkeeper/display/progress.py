"""Progress on standard error: bars in a terminal, plain lines with the time where the output is a file or a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread
from typing import Any, Final, Protocol

from shopkeeper.display.console import errors

LINE_SECONDS: Final = 3.0  # at most one line in this time, where the step has changed
SAME_STEP_SECONDS: Final = 60.0  # and one in this time where it has not


class View(Protocol):
    """How steps are shown."""

    def begin(self, step: str, total: float | None) -> None:
        """A new step is under way."""

    def update(self, done: float, total: float | None) -> None:
        """How much of it is done."""

    def end(self) -> None:
        """The step is done."""


class Steps:
    """A progress listener that shows each step and remembers how long each took."""

    def __init__(self, view: View) -> None:
        self.seconds: dict[str, float] = {}
        self._view = view
        self._step: str | None = None
        self._started = time.monotonic()

    def __call__(self, step: str, done: float | None = None, total: float | None = None) -> None:
        if step != self._step:
            self.finish()
            self._step, self._started = step, time.monotonic()
            self._view.begin(step, total)
        if done is not None:
            self._view.update(done, total)

    def finish(self) -> None:
        """End the current step."""
        if self._step is None:
            return
        elapsed = time.monotonic() - self._started
        self.seconds[self._step] = round(self.seconds.get(self._step, 0.0) + elapsed, 3)
        self._view.end()
        self._step = None


class Bars:
    """A bar per step, drawn by Rich."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._task: Any = None

    def begin(self, step: str, total: float | None) -> None:
        self._task = self._bars.add_task(step, total=total)

    def update(self, done: float, total: float | None) -> None:
        self._bars.update(self._task, completed=done, total=total)

    def end(self) -> None:
        self._bars.update(self._task, total=1, completed=1)


class Lines:
    """A line per step, from a thread, so that short steps are left out and long ones are told again."""

    def __init__(self, line_seconds: float = LINE_SECONDS, same_step_seconds: float = SAME_STEP_SECONDS) -> None:
        self._line_seconds, self._same_step_seconds = line_seconds, same_step_seconds
        self._step, self._done, self._began = "", "", time.monotonic()
        self._ended = Event()
        self._thread = Thread(target=self._follow, daemon=True)

    def begin(self, step: str, total: float | None) -> None:
        self._step, self._done, self._began = step, "", time.monotonic()
        if not self._thread.is_alive():
            self._thread.start()

    def update(self, done: float, total: float | None) -> None:
        self._done = f" {done / total:.0%}" if total else f" {done:,.0f}"

    def end(self) -> None:
        """Nothing to print: the next line says what is under way then."""

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        told, told_at = None, 0.0
        while True:
            now = time.monotonic()
            if (self._step, self._began) != told or now - told_at >= self._same_step_seconds:
                told, told_at = (self._step, self._began), now
                seconds = now - self._began
                lasted = f", for {seconds:.0f} s" if seconds >= self._same_step_seconds else ""
                line = f"{datetime.now().astimezone():%H:%M:%S} {self._step}{self._done}{lasted}"
                errors.print(line, highlight=False, markup=False, soft_wrap=True)
            if self._ended.wait(self._line_seconds):
                return


@contextmanager
def steps() -> Iterator[Steps]:
    """Show progress on standard error while the block runs."""
    with _view() as view:
        listener = Steps(view)
        try:
            yield listener
        finally:
            listener.finish()


@contextmanager
def _view() -> Iterator[View]:
    if errors.is_terminal:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=errors) as bars:
            yield Bars(bars)
        return
    lines = Lines()
    try:
        yield lines
    finally:
        lines.close()
