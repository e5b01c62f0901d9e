from datetime import UTC, datetime, timedelta, timezone

from contracts.time_units import from_microseconds, to_microseconds


def test_a_time_comes_back_to_the_microsecond_and_in_utc() -> None:
    moment = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert from_microseconds(to_microseconds(moment)) == moment
    assert from_microseconds(to_microseconds(moment)).tzinfo is UTC
    assert to_microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
