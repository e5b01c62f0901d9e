"""A page without an SDK, and the pages of an origin that the service does not allow."""

import time
from pathlib import Path

import pytest

from contracts.logs.events import open_event_log
from contracts.settings import Settings
from serving.security.api_keys import EVENTS_WRITE, create_key
from tests.clients.programs import pages, requires, started
from tests.serving.running import running


@pytest.mark.parametrize("is_allowed", [True, False])
def test_what_a_page_sends_by_beacon_arrives(tmp_path: Path, is_allowed: bool) -> None:
    """A beacon of a text asks no leave, so it arrives from every origin; the key decides, which is public anyway."""
    requires("beacon.html")
    with pages() as origin:
        settings = Settings(home=tmp_path, cors_origins=[origin] if is_allowed else [])
        key = create_key(settings.keys_path, "page", [EVENTS_WRITE])[1]
        with running(settings) as url, started("beacon.html", [url, key, "goodbye"], origin, tmp_path / "profile"):
            assert _received(settings) == ["api:goodbye-1"]


def _received(settings: Settings) -> list[str]:
    """The keys of the events in the log, as soon as there are any."""
    log = open_event_log(settings.events_url)
    end = time.monotonic() + 30
    while not (records := log.read(0, 100)) and time.monotonic() < end:
        time.sleep(0.05)
    log.close()
    return [each.record.key for each in records]
