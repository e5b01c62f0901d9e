from datetime import timedelta
from pathlib import Path

import msgspec

from contracts.bundle import MANIFEST
from contracts.bundle_store import open_bundle_store
from contracts.logs.events import LogRecord, open_event_log
from contracts.settings import Settings
from pipelines.ingest.trim_log import remove_erased, trim_event_log
from tests.bare_bundles import bare_manifest
from tests.pipelines.wire import NOW, settings_in


def stored(settings: Settings) -> list[str]:
    log = open_event_log(settings.events_url)
    keys = [found.record.key for found in log.read(0, 100)]
    log.close()
    return keys


def filled(home: Path) -> Settings:
    settings = settings_in(home)
    log = open_event_log(settings.events_url)
    log.append([LogRecord(f"{days} days old", b"{}", NOW - timedelta(days=days), "api:web") for days in (40, 9, 6, 0)])
    log.close()
    return settings


def test_what_ingest_has_not_stored_stays(tmp_path: Path) -> None:
    settings = filled(tmp_path)
    assert trim_event_log(settings, 0, NOW) == 0
    assert trim_event_log(settings, 2, NOW) == 1
    assert stored(settings) == ["9 days old", "6 days old", "0 days old"]


def test_the_days_are_those_of_the_settings(tmp_path: Path) -> None:
    assert trim_event_log(filled(tmp_path), 100, NOW) == 2
    assert stored(settings_in(tmp_path)) == ["6 days old", "0 days old"]
    assert trim_event_log(Settings(home=tmp_path, event_log_days=5), 100, NOW) == 1


def test_a_record_stays_until_a_bundle_knows_the_consent_of_its_time(tmp_path: Path) -> None:
    settings = filled(tmp_path)
    store = open_bundle_store(settings.bundles_url)
    with store.draft() as draft:
        store.publish(draft, msgspec.structs.replace(bare_manifest(draft), consent_cut=NOW - timedelta(days=20)))
    assert trim_event_log(settings, 100, NOW) == 1
    assert stored(settings) == ["9 days old", "6 days old", "0 days old"]


def test_nothing_is_trimmed_while_the_bundle_cannot_be_read(tmp_path: Path) -> None:
    settings = filled(tmp_path)
    store = open_bundle_store(settings.bundles_url)
    with store.draft() as draft:
        pointer = store.publish(draft, bare_manifest(draft))
    (tmp_path / "bundles" / pointer.version / MANIFEST).write_text("{}")
    assert trim_event_log(settings, 100, NOW) == 0


def test_records_of_the_erased_are_removed(tmp_path: Path) -> None:
    settings = filled(tmp_path)
    remove_erased(settings, ())
    remove_erased(settings, [2, 3])
    assert stored(settings) == ["40 days old", "0 days old"]
