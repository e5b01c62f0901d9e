"""Keep the live event log short: what ingest has stored is removed from it after some days.

The service reads the log's end when it starts, to know the sessions that go on and the refusals that no bundle has
yet. So a record stays until a bundle with a later consent is current.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.bundle_store import open_bundle_store
from contracts.errors import BundleRefused, NoBundle
from contracts.logs.events import open_event_log
from contracts.settings import Settings


def trim_event_log(settings: Settings, ingested: int, now: datetime) -> int:
    """Remove records before the cursor `ingested` that are older than the setting `event_log_days`; returns how many.

    Raises EventLogError.
    """
    until = now - timedelta(days=settings.event_log_days)
    store = open_bundle_store(settings.bundles_url)
    try:
        until = min(until, store.open(store.current()).manifest.consent_cut)
    except NoBundle:
        pass  # nobody is answered
    except BundleRefused:
        return 0  # until there is one that can be read
    log = open_event_log(settings.events_url)
    try:
        return log.trim(ingested, until)
    finally:
        log.close()


def remove_erased(settings: Settings, cursors: Sequence[int]) -> None:
    """Remove records that name people who were erased before they came; raises EventLogError."""
    if not cursors:
        return
    log = open_event_log(settings.events_url)
    try:
        log.remove(cursors)
    finally:
        log.close()
