import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import columns as c
from contracts.errors import InputError, StorageError
from contracts.files.lock import exclusive
from contracts.logs.events import LogRecord, open_event_log
from pipelines.features.orders import orders
from pipelines.ingest import ingest as ingesting
from pipelines.ingest.ingest import ingest
from pipelines.warehouse import file_index, views
from pipelines.warehouse import warehouse as warehouses
from pipelines.warehouse.schemas import TABLES
from tests.pipelines.wire import (
    NOW,
    bought,
    consent,
    ingest_events,
    rows,
    settings_in,
    track,
    warehouse_in,
    wire,
    write_events,
)

# Repeats, rivals for one id, identities that are joined late, words of consent, and refused records.
EVENTS: list[dict[str, Any] | bytes] = [
    wire("1", at=0, anonymousId="a"),
    wire("2", at=1, anonymousId="a", userId="ann"),
    wire("2", at=2, anonymousId="b", userId="bob"),
    bought("3", "bob", {"tea": 1.0, "cup": 2.0}, at=3),
    bought("3", "bob", {"tea": 1.0}, at=1),
    wire("4", at=2, type="alias", userId="bob", previousId="cat"),
    wire("5", at=0, userId="cat", context=consent(personalization=False)),
    wire("6", at=1, userId="bob", context=consent(personalization=True, analytics=False)),
    wire("6", at=3, userId="ann", context=consent(analytics=False)),
    track("7", "Product Viewed", at=1, anonymousId="b", properties={"sku": "tea", "name": "Tea"}),
    b'{"type": "track", "event": "Danced", "userId": "ann"}',
    b"{",
]


def content(home: Path) -> list[Any]:
    """Everything stored that does not tell how it came."""
    warehouse = warehouse_in(home)
    tables = (views.events(warehouse), warehouse.consent(), warehouse.identity_map(), views.catalogue(warehouse))
    return [*map(rows, tables), rows(warehouse.quarantine(), "record_key", c.CODE, c.RAW)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    home = tmp_path_factory.mktemp("once")
    report = ingest_events(home, *EVENTS)
    assert report.total.as_dict() == {
        "received": 12,
        "stored": 6,
        "duplicate": 2,
        "quarantined": 2,
        "suppressed": 2,
        "quarantined_by_code": {"malformed_json": 1, "unknown_event": 1},
        "repaired": 0,
        "repaired_by_field": {},
    }
    return content(home)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4)
@given(order=st.permutations(range(len(EVENTS))), cut=st.integers(1, len(EVENTS)), repeat=st.integers(0, len(EVENTS)))
def test_what_is_stored_depends_neither_on_order_nor_on_calls(
    tmp_path_factory: pytest.TempPathFactory, expected: list[Any], order: list[int], cut: int, repeat: int
) -> None:
    home = tmp_path_factory.mktemp("shuffled")
    shuffled = [EVENTS[place] for place in order]
    first = ingest_events(home, *shuffled[:cut])
    second = ingest_events(home, *shuffled[cut:], *shuffled[:repeat])  # part of it again
    assert content(home) == expected
    assert first.total.adds_up
    assert second.total.adds_up
    assert first.total.stored + second.total.stored == 6


def test_the_counts_are_kept(tmp_path: Path) -> None:
    first = ingest_events(tmp_path, *EVENTS)
    second = ingest_events(tmp_path)
    assert warehouse_in(tmp_path).ingests() == [first.as_dict(), second.as_dict()]
    assert second.total.received == 0


def test_a_call_is_stored_wholly_or_not_at_all(tmp_path: Path) -> None:
    good = write_events(tmp_path / "good.jsonl", [wire("1", userId="a")])
    bad = tmp_path / "bad.jsonl.gz"
    bad.write_bytes(gzip.compress(json.dumps(wire("2", userId="a")).encode() * 1000)[:-10])
    with pytest.raises(InputError, match=r"bad\.jsonl\.gz.*nothing of this call was stored"):
        ingest(settings_in(tmp_path), [good, bad], now=NOW)
    assert warehouse_in(tmp_path).event_window().events == 0
    assert not (tmp_path / "warehouse" / ingesting.STAGING).exists()


@pytest.mark.parametrize("step", ["write_day", "before the switch", "after the switch"])
def test_a_crash_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: list[Any], step: str
) -> None:
    home = tmp_path / "home"
    ingest_events(home, EVENTS[0])
    before = content(home)

    class CrashError(Exception):
        pass

    def crash(*_: Any, **__: Any) -> None:
        raise CrashError

    steps: dict[str, tuple[Any, str]] = {
        "write_day": (warehouses.Draft, "write_day"),
        "before the switch": (file_index.Path, "replace"),
        "after the switch": (warehouses.Draft, "commit"),
    }
    owner, name = steps[step]
    commit = warehouses.Draft.commit

    def commit_and_crash(*arguments: Any) -> None:
        commit(*arguments)
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, commit_and_crash if step == "after the switch" else crash)
        with pytest.raises(CrashError):
            ingest_events(home, *EVENTS)
    assert (content(home) == before) is (step != "after the switch")
    assert len(warehouse_in(home).ingests()) == (2 if step == "after the switch" else 1)
    ingest_events(home, *EVENTS)  # as a user would: once more
    assert content(home) == expected
    left = {str(path.relative_to(home / "warehouse")) for path in (home / "warehouse").rglob("*.parquet")}
    listed = warehouse_in(home).index
    assert {file.path for file in (*listed.days.values(), *listed.tables.values())} <= left


def append(home: Path, *events: dict[str, Any] | bytes) -> None:
    """Accept events as the service does."""
    log = open_event_log(settings_in(home).events_url)
    raws = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    ids = [event["messageId"] if isinstance(event, dict) else "?" for event in events]
    log.append([LogRecord(message_id, raw, NOW, "key:shop") for message_id, raw in zip(ids, raws, strict=True)])
    log.close()


def test_the_event_log_is_drained_once_and_its_repeats_are_counted(tmp_path: Path) -> None:
    append(tmp_path, wire("1", userId="a"), wire("1", userId="a"), wire("2", userId="a"), b"{")
    first = ingest(settings_in(tmp_path), now=NOW)
    assert (first.total.received, first.total.stored, first.total.duplicate) == (4, 2, 1)
    assert first.total.quarantined == {"malformed_json": 1}
    append(tmp_path, wire("2", userId="a"), wire("3", userId="a"))
    second = ingest(settings_in(tmp_path), now=NOW)
    assert (second.total.received, second.total.stored, second.total.duplicate) == (2, 1, 1)
    assert ingest(settings_in(tmp_path), now=NOW).total.received == 0
    assert rows(views.events(warehouse_in(tmp_path)), c.SOURCE, c.MESSAGE_ID)[0] == ("key:shop", "1")


def test_the_log_stays_unread_when_a_file_of_the_call_fails(tmp_path: Path) -> None:
    append(tmp_path, wire("1", userId="a"))
    with pytest.raises(InputError):
        ingest(settings_in(tmp_path), [tmp_path / "missing.jsonl"], now=NOW)
    assert ingest(settings_in(tmp_path), now=NOW).total.stored == 1


def test_a_table_is_read_through_a_mapping_and_again_changes_nothing(tmp_path: Path) -> None:
    header = "invoice_no,stock_code,description,quantity,invoice_ts,unit_price,customer_id,country\n"
    row = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"
    other = "536365,71053,LANTERN,6,2010-12-01 08:26:00,-1,17850,United Kingdom\n"
    (tmp_path / "t.csv").write_text(header + row + row + other)
    for stored, duplicate in ((1, 1), (0, 2)):
        total = ingest(settings_in(tmp_path), [tmp_path / "t.csv"], mapping="online_retail", now=NOW).total
        assert (total.stored, total.duplicate, total.quarantined) == (stored, duplicate, {"bad_price": 1})
    (refused,) = warehouse_in(tmp_path).quarantine().to_pyarrow().to_pylist()
    assert json.loads(refused[c.RAW])["stock_code"] == "71053"
    assert refused[c.ORIGIN].endswith("t.csv:4")
    assert rows(views.events(warehouse_in(tmp_path)), c.SOURCE, c.CUSTOMER_ID) == [("online_retail", "17850")]


def test_a_second_ingest_at_the_same_time_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "warehouse" / file_index.LOCK
    with exclusive(lock, "ingest"), pytest.raises(StorageError, match="another ingest"):
        ingest_events(tmp_path, wire("1", userId="a"))


def test_counts_that_do_not_add_up_are_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the promise: a stage that drops a record silently is caught."""
    monkeypatch.setattr("pipelines.ingest.staging.Staging.count_duplicates", lambda self, by_chunk: None)
    monkeypatch.setattr("pipelines.ingest.report.Counts.adds_up", property(lambda counts: counts.duplicate == 1))
    with pytest.raises(StorageError, match="do not add up"):
        ingest_events(tmp_path, wire("1", userId="a"), wire("1", userId="a"))
    assert warehouse_in(tmp_path).event_window().events == 0


def test_a_dry_run_counts_and_stores_nothing(tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.jsonl", [wire("1", userId="a"), b"{"])
    (tmp_path / "c.csv").write_text("item_id\ntea\n")
    ingest_events(tmp_path, wire("0", userId="a"))
    home = warehouse_in(tmp_path).root
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    dry = ingest(settings_in(tmp_path), [events], None, tmp_path / "c.csv", NOW, is_dry_run=True)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    real = ingest(settings_in(tmp_path), [events], None, tmp_path / "c.csv", NOW)
    assert dry.as_dict() == real.as_dict()
    (example,) = dry.examples
    assert "e.jsonl:2: malformed_json: not a JSON object" in example
    assert real.examples == []  # they are in the quarantine
    assert real.total.stored == 1
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} != before


def test_a_refund_by_sku_finds_what_was_bought_by_product_id(tmp_path: Path) -> None:
    def sale(event: str, at: float, **product: Any) -> dict[str, Any]:
        properties = {"order_id": "one", "products": [{"price": 5.0, **product}]}
        return track(f"{event}-{at}", event, at, userId="ann", properties=properties)

    first = sale("Order Completed", 0, product_id="7", sku="tea", quantity=3)
    ingest_events(tmp_path, first, sale("Order Refunded", 1, sku="tea", quantity=1))
    (left,) = orders(views.events(warehouse_in(tmp_path)), NOW).to_pyarrow().to_pylist()
    assert (left[c.UNITS], left["value"]) == (2.0, 10.0)
    assert ingest_events(tmp_path, first).total.stored == 0
    catalogue = views.catalogue(warehouse_in(tmp_path)).to_pyarrow()[c.ITEM_ID].to_pylist()
    assert catalogue == ["7"]


def test_a_flipped_bit_in_a_stored_file_is_never_read(tmp_path: Path) -> None:
    ingest_events(tmp_path, *EVENTS)
    files = sorted(warehouse_in(tmp_path).root.rglob("*.parquet"))
    assert len(files) >= 5

    def read_all() -> None:
        warehouse = warehouse_in(tmp_path)
        views.events(warehouse)
        _ = [warehouse.table(name) for name in TABLES]

    for number, path in enumerate(files):
        content = path.read_bytes()
        place = (number * 7919) % len(content)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StorageError, match="is damaged"):
            read_all()
        path.write_bytes(content)
    assert rows(views.events(warehouse_in(tmp_path)))


def test_the_event_log_is_trimmed_behind_the_ingest_and_nothing_counts_twice(tmp_path: Path) -> None:
    log = open_event_log(settings_in(tmp_path).events_url)

    def accept(number: int, days_ago: int) -> bool:
        payload = json.dumps(wire(str(number), userId="ann")).encode()
        return log.append([LogRecord(f"api:{number}", payload, NOW - timedelta(days=days_ago), "api:web")])[0]

    assert all(accept(number, days_ago=9) for number in range(5))
    assert ingest(settings_in(tmp_path), now=NOW).total.stored == 5
    assert [stored.record.key for stored in log.read(0, 10)] == ["api:4"]  # the last one tells that it is this log
    assert [accept(2, days_ago=0), accept(5, days_ago=0)] == [False, True]
    report = ingest(settings_in(tmp_path), now=NOW)
    assert (report.total.received, report.total.stored, report.total.duplicate) == (2, 1, 1)
    assert [stored.record.key for stored in log.read(0, 10)] == ["api:5"]
    log.close()
