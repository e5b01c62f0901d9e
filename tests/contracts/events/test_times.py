"""When an event happened, by a clock that may be wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.errors import InvalidEvent
from contracts.events.spec import PageEvent
from contracts.events.times import occurred_at

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
TWO_SECONDS = timedelta(seconds=2)


def at(is_live: bool = True, **times: Any) -> datetime:
    return occurred_at(PageEvent(**times), NOW, is_live=is_live)


@pytest.mark.parametrize("off", [timedelta(days=5), timedelta(days=-400), timedelta(hours=3), timedelta(0)])
@pytest.mark.parametrize("field", ["timestamp", "original_timestamp"])
def test_a_wrong_clock_is_corrected_by_the_time_of_sending(field: str, off: timedelta) -> None:
    assert at(**{field: NOW + off - TWO_SECONDS, "sent_at": NOW + off}) == NOW - TWO_SECONDS


def test_an_event_that_waited_keeps_its_time() -> None:
    assert at(timestamp=NOW - timedelta(days=3), sent_at=NOW) == NOW - timedelta(days=3)


def test_an_event_that_was_corrected_before_is_left_alone() -> None:
    given = NOW - timedelta(hours=1)
    assert at(timestamp=given, original_timestamp=NOW + timedelta(days=9), sent_at=NOW + timedelta(days=9)) == given


def test_no_event_is_sent_before_it_happened() -> None:
    assert at(timestamp=NOW + timedelta(hours=5), sent_at=NOW) == NOW


def test_a_file_is_corrected_only_by_its_own_time_of_receipt() -> None:
    year_ago = NOW - timedelta(days=365)
    times = {"timestamp": year_ago + timedelta(hours=3), "sent_at": year_ago + timedelta(hours=3) + TWO_SECONDS}
    assert at(is_live=False, **times) == year_ago + timedelta(hours=3)
    assert at(is_live=False, **times, received_at=year_ago) == year_ago - TWO_SECONDS
    assert at(**times, received_at=year_ago) == NOW - TWO_SECONDS  # over HTTP anybody may state it


def test_without_a_time_it_is_when_it_was_received() -> None:
    assert at() == at(sent_at=NOW - timedelta(days=1)) == NOW
    assert at(is_live=False, sent_at=NOW - timedelta(days=1)) == NOW - timedelta(days=1)


@pytest.mark.parametrize("days", [3, 400_000, -20_000])
def test_a_time_out_of_bounds_is_refused(days: int) -> None:
    with pytest.raises(InvalidEvent, match="must lie between"):
        at(timestamp=NOW + timedelta(days=days))
