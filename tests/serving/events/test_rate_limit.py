from pathlib import Path

import httpx
import pytest

from contracts.settings import Settings
from serving.app import create_app
from serving.events.rate_limit import BURST_SECONDS, RateLimit
from serving.http.problems import Problem
from serving.security.api_keys import EVENTS_WRITE, create_key
from tests.serving.running import running


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused_for(limit: RateLimit, key: str) -> int:
    """Seconds to wait; 0 where a request is taken."""
    try:
        limit.require(key)
    except Problem as problem:
        return int(problem.headers["Retry-After"])
    return 0


def test_after_the_burst_a_key_waits_until_its_bucket_is_not_empty() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    for _ in range(int(2 * BURST_SECONDS)):
        assert refused_for(limit, "a") == 0
        limit.charge("a", 1)
    assert refused_for(limit, "a") == 1
    assert refused_for(limit, "b") == 0
    clock.now = 1.0
    assert refused_for(limit, "a") == 0


def test_a_large_batch_is_taken_and_waited_for() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    limit.charge("a", 2500)
    seconds = refused_for(limit, "a")
    clock.now = seconds - 1
    assert refused_for(limit, "a") > 0
    clock.now = seconds
    assert refused_for(limit, "a") == 0


def test_of_requests_under_way_together_the_later_ones_are_refused() -> None:
    limit = RateLimit(1, Clock())
    for _ in range(3):
        limit.require("a")
    limit.charge("a", 100)
    with pytest.raises(Problem) as raised:
        limit.charge("a", 100)
    assert (raised.value.status, raised.value.code) == (429, "rate-limit")
    assert refused_for(limit, "a") == 100 - BURST_SECONDS + 1  # what was refused is not charged


def test_an_idle_key_saves_no_more_than_one_burst() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    limit.charge("a", 0)
    clock.now = 1e6
    limit.charge("a", int(BURST_SECONDS))
    assert refused_for(limit, "a") == 1


def test_the_service_refuses_a_key_alone_also_where_it_is_in_the_body(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, events_per_second=1)
    first, second = (create_key(settings.keys_path, name, [EVENTS_WRITE])[1] for name in ("first", "second"))
    events = [{"type": "page", "anonymousId": "a"}] * 200
    with running(settings, create_app(settings)) as url:
        statuses = [
            httpx.post(f"{url}/v1/batch", json={"batch": events, "writeKey": key}, verify=False).status_code
            for key in (first, first, second)
        ]
        refused = httpx.post(f"{url}/v1/t", json={}, auth=(first, ""), verify=False)
    assert statuses == [200, 429, 200]
    assert 0 < int(refused.headers["retry-after"]) <= 200
    assert "events_per_second" in refused.json()["detail"]
