"""When an event happened: from the sender's clock, corrected by the time at which the sender says it sent the event."""

from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.errors import InvalidEvent
from contracts.events.spec import WireEvent

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE: Final = timedelta(hours=48)


def occurred_at(wire: WireEvent, received_at: datetime, *, is_live: bool) -> datetime:
    """The time of an event in UTC. Raises InvalidEvent where it is out of bounds.

    `sentAt` is by the same clock as the event's time. So the event happened as long before its receipt as the clock
    says it happened before it was sent: received − (sentAt − originalTimestamp), as Segment's spec defines `timestamp`.
    An event with both `timestamp` and `originalTimestamp` was corrected before. `is_live`: `received_at` is when the
    sender's request came; of an event from a file only its own `receivedAt` tells that.
    """
    sent, given = _utc(wire.sent_at), _utc(wire.timestamp) or _utc(wire.original_timestamp)
    received = received_at if is_live else _utc(wire.received_at)
    is_corrected = wire.timestamp is not None and wire.original_timestamp is not None
    if given is None:
        at = received or sent or received_at
    elif sent is None or received is None or is_corrected:
        at = given
    else:
        at = min(_shifted(given, received - sent), received)  # an event is not sent before it happened
    if not EARLIEST <= at <= received_at + CLOCK_TOLERANCE:
        raise InvalidEvent(
            "bad_timestamp",
            f"the event's time is {at:%Y-%m-%dT%H:%M:%SZ}; it must lie between {EARLIEST:%Y-%m-%d} and "
            f"{CLOCK_TOLERANCE.total_seconds() / 3600:.0f} hours after it was received.",
        )
    return at


def _utc(given: datetime | None) -> datetime | None:
    """Without a time zone, the time is in UTC."""
    if given is None:
        return None
    try:
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError:  # the year 9999 in a time zone west of UTC
        return given.replace(tzinfo=UTC)


def _shifted(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return at
