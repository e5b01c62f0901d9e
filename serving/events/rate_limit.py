"""How many events a key may send in a second: a token bucket for each key, in each process."""

import math
import time
from collections.abc import Callable
from typing import Final

from serving.http.problems import Problem

BURST_SECONDS: Final = 10.0  # a key that was silent may send so many seconds' events at once


class RateLimit:
    """One bucket per key. While it is not empty a request is taken, and may overdraw it: no batch is too large."""

    def __init__(self, events_per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = events_per_second
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # per id of a key: tokens, and when they were counted

    def require(self, key_id: str) -> None:
        """Raise Problem 429, with the time after which a request is taken again, where the key's bucket is empty."""
        tokens = self._tokens(key_id)
        if tokens > 0:
            return
        seconds = math.floor(-tokens / self._rate) + 1
        detail = (
            f"This key sends more than {self._rate:,g} events per second. Send the events again in {seconds:,} "
            "seconds, or ask the operator to raise the setting events_per_second."
        )
        raise Problem(429, "rate-limit", detail, headers={"Retry-After": str(seconds)})

    def charge(self, key_id: str, events: int) -> None:
        """Take the events of a request from the key's bucket; raises Problem 429 as `require`.

        An empty request counts as one event. `require` alone is passed by all requests whose bodies are under way.
        """
        self.require(key_id)
        self._buckets[key_id] = (self._tokens(key_id) - max(events, 1), self._clock())

    def _tokens(self, key_id: str) -> float:
        capacity = self._rate * BURST_SECONDS
        tokens, counted_at = self._buckets.get(key_id, (capacity, 0.0))
        return min(capacity, tokens + (self._clock() - counted_at) * self._rate)
