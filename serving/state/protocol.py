"""The session store: what each customer did in the session under way, and who refused personalization.

A session ends with an hour of silence. A customer who refuses analytics or personalization has none. Every
implementation passes the tests of `tests/serving/state/test_protocol.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from contracts.events.parse import Event
from recsys.request import SessionEvent


class SessionStore(Protocol):
    """Sessions by customer id. Thread-safe."""

    def __len__(self) -> int:
        """The number of customer ids with a session."""

    def record(self, event: Event, received_at: datetime) -> None:
        """Add an accepted event; an event that is older than a session lasts is not added."""

    def session(self, customer_ids: Sequence[str], now: datetime) -> tuple[SessionEvent, ...]:
        """The session of the first of `customer_ids` that has one, oldest event first; empty if none has."""

    def has_refused(self, customer_ids: Sequence[str]) -> bool:
        """Whether one of these customers refuses analytics or personalization."""

    def forget(self, customer_ids: Sequence[str], until: datetime) -> None:
        """Forget what these customers did and stated up to then."""

    def expire(self, now: datetime) -> None:
        """Delete the sessions that have ended."""
