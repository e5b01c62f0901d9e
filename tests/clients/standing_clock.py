"""The rate limit of the service, by a clock of each key's own that stands still until the key was refused once.

So a slow machine cannot fill the bucket faster than a client empties it, and a refusal is certain.
"""

from collections.abc import Callable
from functools import partial

from serving.events.rate_limit import RateLimit

LATER = 1e6  # seconds; any bucket is full again


class StandingLimit:
    """In the place of RateLimit: one for each key. `was_refused` says it by the key's id."""

    def __init__(self, was_refused: Callable[[str], bool], events_per_second: float) -> None:
        self._was_refused = was_refused
        self._rate = events_per_second
        self._limits: dict[str, RateLimit] = {}

    def require(self, key_id: str) -> None:
        self._limit(key_id).require(key_id)

    def charge(self, key_id: str, events: int) -> None:
        self._limit(key_id).charge(key_id, events)

    def _limit(self, key_id: str) -> RateLimit:
        return self._limits.setdefault(key_id, RateLimit(self._rate, partial(self._now, key_id)))

    def _now(self, key_id: str) -> float:
        return LATER if self._was_refused(key_id) else 0.0
