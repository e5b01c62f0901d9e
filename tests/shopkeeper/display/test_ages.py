"""Ages in words."""

from datetime import UTC, datetime, timedelta

import pytest

from shopkeeper.display.ages import ago

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=119), "just now"),
        (timedelta(minutes=2), "2 minutes ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=60), "60 days ago"),
        (timedelta(days=700), "22 months ago"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_it_has_twice(age: timedelta, words: str) -> None:
    assert ago(NOW - age, NOW) == words
