"""Beacons: a page sends them without headers, asks no leave for them, and never learns what became of them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.logs.events import LogRecord, open_event_log
from contracts.settings import Settings
from serving.security.api_keys import EVENTS_WRITE, create_key
from tests.clients.programs import pages, requires, started
from tests.serving.running import running

BEACON_OF_RUDDERSTACK = 10  # events, by default


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_beacon_arrives_from_every_origin(tmp_path: Path, is_allowed: bool) -> None:
    with _page(tmp_path, "beacon.html", 1, is_allowed=is_allowed) as records:
        assert [each.key for each in records] == ["api:goodbye-1"]


def test_the_beacons_of_rudderstack_arrive(tmp_path: Path) -> None:
    with _page(tmp_path, "rudderstack_beacon.html", BEACON_OF_RUDDERSTACK) as records:
        events = [json.loads(each.payload) for each in records]
    assert {event["properties"]["product_id"] for event in events} == {f"tea-{n}" for n in range(BEACON_OF_RUDDERSTACK)}
    assert {event["anonymousId"] for event in events} == {"goodbye-device"}


@contextmanager
def _page(home: Path, script: str, events: int, *, is_allowed: bool = True) -> Iterator[list[LogRecord]]:
    """Open the page; what the service has in its log as soon as there is as much."""
    requires(script)
    with pages() as origin:
        settings = Settings(home=home, cors_origins=[origin] if is_allowed else [])
        key = create_key(settings.keys_path, "page", [EVENTS_WRITE])[1]
        with running(settings) as url, started(script, [url, key, "goodbye", str(events)], origin, home / "profile"):
            log = open_event_log(settings.events_url)
            end = time.monotonic() + 30
            while len(records := log.read(0, 100)) < events and time.monotonic() < end:
                time.sleep(0.05)
            log.close()
            yield [each.record for each in records]
