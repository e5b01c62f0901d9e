"""A person is erased amid events that are under way, and no byte of any store tells that they were there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.bundle_store import open_bundle_store
from contracts.privacy.receipts import verify
from contracts.privacy.requests import ask, waiting_requests
from contracts.privacy.tombstones import TombstoneFile
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.privacy.erase import erase, erase_waiting
from pipelines.privacy.stores.campaigns import CampaignStore
from pipelines.privacy.stores.registry import stores
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from serving.answers.served_bundle import load_bundle
from tests.pipelines.privacy.scan import hits
from tests.pipelines.privacy.world import ADA, DEVICE, EVENTS, MAIL, NEEDLES, SHARED, store_in_log, world
from tests.pipelines.wire import wire, write_events
from tests.serving.shop import CUSTOMERS

NEW_DEVICE = "device-of-ada-new-55d0"


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, Any]]:
    settings = world(tmp_path_factory.mktemp("erased") / "home")
    return settings, erase(settings, [MAIL])


def test_no_byte_of_any_file_tells_of_the_person(erased: tuple[Settings, dict[str, Any]]) -> None:
    settings, _ = erased
    assert hits(settings.home, [*NEEDLES, NEW_DEVICE]) == []


def test_every_store_had_something_and_the_receipt_names_each(erased: tuple[Settings, dict[str, Any]]) -> None:
    settings, receipt = erased
    assert {each["store"] for each in receipt["stores"]} == {store.name for store in stores(settings)}
    assert all(each["erased"] > 0 for each in receipt["stores"]), receipt["stores"]
    kept = settings.home / "privacy" / "receipts" / f"{receipt['request']}.json"
    assert verify(kept.read_bytes(), TombstoneFile(settings.home).secret())["stores"] == receipt["stores"]
    assert waiting_requests(settings.home) == []


def test_everybody_else_is_still_there(erased: tuple[Settings, dict[str, Any]]) -> None:
    settings, _ = erased
    warehouse = open_warehouse(settings)
    known = set(views.events(warehouse).to_pyarrow()["customer_id"].to_pylist())
    assert known == set(CUSTOMERS) - {ADA}
    assert warehouse.quarantine().count().to_pyarrow().as_py() == 1
    store = open_bundle_store(settings.bundles_url)
    served = load_bundle(store, store.current())  # its hashes and replays are right
    assert len(served.table("customers")) == len(CUSTOMERS) - 1
    assert len(store.versions()) == 1  # the earlier ones had the person, too


def test_a_replay_a_late_event_and_an_old_file_bring_nobody_back(tmp_path: Path) -> None:
    settings = world(tmp_path / "home")
    erase(settings, [ADA])
    store_in_log(
        settings,
        wire("late", at=4, userId=ADA, anonymousId=DEVICE),
        wire("of-another", at=4, userId=CUSTOMERS[8], anonymousId=SHARED),
        {"type": "track", "event": "Danced", "userId": ADA, "messageId": "q9"},
    )
    file = write_events(tmp_path / "old.jsonl", EVENTS)
    report = ingest(settings, [file])
    assert report.total.adds_up
    assert report.files["event log"].as_dict() | {"received": 3, "stored": 1, "suppressed": 2} == (
        report.files["event log"].as_dict()
    )
    assert hits(settings.home, NEEDLES) == []


def test_a_person_who_comes_back_is_a_new_customer(tmp_path: Path) -> None:
    settings = world(tmp_path / "home")
    erase(settings, [ADA])
    now = datetime.now(UTC)
    store_in_log(settings, {"type": "page", "userId": ADA, "messageId": "new", "timestamp": now.isoformat()})
    ingest(settings)
    events = views.events(open_warehouse(settings))
    rows = events.filter(events.customer_id == ADA).to_pyarrow().to_pylist()
    assert [row["message_id"] for row in rows] == ["new"]
    assert rows[0]["occurred_at"] > now - timedelta(minutes=1)


def test_a_store_that_erased_nothing_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = world(tmp_path / "home")
    found = {entry.partition(":")[0] for entry in hits(settings.home, NEEDLES)}
    for store in stores(settings):  # the scan sees the person in each of them
        own = {path.relative_to(settings.home).as_posix() for name in store.files for path in settings.home.glob(name)}
        assert own & found, store.name
    monkeypatch.setattr(CampaignStore, "erase", lambda self, person: 0)
    erase(settings, [ADA])
    left = hits(settings.home, NEEDLES)
    assert left
    assert all(entry.startswith("campaigns/") for entry in left)


def test_a_failure_leaves_the_request_which_is_worked_off_once_with_those_of_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = world(tmp_path / "home")

    def fails(self: Any, person: Any) -> int:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(CampaignStore, "erase", fails)
        with pytest.raises(OSError, match="space"):
            erase(settings, [ADA])
    assert TombstoneFile(settings.home).current().hides([ADA], datetime.now(UTC) + timedelta(days=9))
    ask(settings.home, "erase", [ADA], datetime.now(UTC))
    first, again = erase_waiting(settings)
    assert sum(each["erased"] for each in first["stores"]) > 0
    assert sum(each["erased"] for each in again["stores"]) == 0
    assert erase_waiting(settings) == []
    assert hits(settings.home, NEEDLES) == []
