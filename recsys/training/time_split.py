"""The global time split: what is fitted lies strictly before what is judged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.interactions import KINDS, Interactions

MAX_WINDOW_SHARE: Final = 0.2  # of the whole history that one window may take


@dataclass(frozen=True)
class Window:
    """Start (inclusive) and stop (exclusive), seconds since 1970 UTC."""

    start: int
    stop: int


def last_window(first: int, stop: int, days: float) -> Window:
    """The last `days` before `stop` of a history that began at `first`: at most a fifth of it, at least a day."""
    longest = MAX_WINDOW_SHARE * (stop - first)
    seconds = max(min(days * SECONDS_PER_DAY, longest), SECONDS_PER_DAY)
    return Window(stop - int(seconds), stop)


def windows_back(last: Window, first: int, limit: int) -> Iterator[Window]:
    """`last`, then the windows of the same length before it, latest first; half of the history stays before them."""
    length = last.stop - last.start
    earliest = first + (last.stop - first) // 2
    for number in range(limit):
        window = Window(last.start - number * length, last.stop - number * length)
        if number and window.start < earliest:
            return
        yield window


def target_kind(interactions: Interactions, window: Window, minimum: int) -> int | None:
    """The strongest kind of interaction that at least `minimum` customers had in the window; None if there is none.

    Orders are what a store wants to predict; a store with few of them is judged by carts, then by views.
    """
    inside = interactions.between(window.start, window.stop)
    for kind in reversed(range(len(KINDS))):
        if len(np.unique(inside.rows[inside.kinds == kind])) >= minimum:
            return kind
    return None
