import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts import columns as c
from contracts.events.rules import EventRules
from pipelines.ingest.chunk import Chunk, StagedChunk, stage_chunk
from pipelines.ingest.readers.record import Record, Refusal
from pipelines.warehouse.currency import AcceptedCurrencies
from pipelines.warehouse.schemas import CONTENT_HASH, SEQUENCE, STAGED
from tests.pipelines.wire import NOW


def stage(folder: Path, *raws: bytes | Record, number: int = 0) -> StagedChunk:
    records = [r if isinstance(r, Record) else Record(r, place, len(r)) for place, r in enumerate(raws, start=1)]
    return stage_chunk(Chunk(number, "f.jsonl", "file", NOW, records, AcceptedCurrencies(None, {})), folder)


def test_events_become_lines_that_share_their_event_s_number(tmp_path: Path) -> None:
    order = (
        b'{"type":"track","event":"Order Completed","userId":"a","messageId":"m",'
        b'"properties":{"order_id":"o","products":[{"sku":"x"},{"sku":"y"}]}}'
    )
    staged = stage(tmp_path, order, b'{"type":"page","userId":"a"}', number=3)
    assert (staged.received, staged.accepted) == (2, 2)
    table = pq.read_table(tmp_path / "lines-000003.parquet")
    assert table.schema.equals(STAGED)
    lines = table.to_pylist()
    assert [(row[c.MESSAGE_ID], row[c.LINE], row[c.ITEM_ID]) for row in lines[:2]] == [("m", 0, "x"), ("m", 1, "y")]
    assert lines[0][SEQUENCE] == lines[1][SEQUENCE] < lines[2][SEQUENCE]
    assert lines[0][CONTENT_HASH] == lines[1][CONTENT_HASH] != lines[2][CONTENT_HASH]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b'{"type":"page","anonymousId":"\\ud800"}', "malformed_json"),
        (b'["page"]', "wrong_type"),
        (b'{"type":"dance","userId":"a"}', "unknown_type"),
        (b'{"type":"group","userId":"a"}', "unused_type"),
        (b'{"type":"page","userId":["a"]}', "missing_identity"),
        (b'{"type":"page","userId":"undefined"}', "missing_identity"),
        (b'{"type":"page"}', "missing_identity"),
        (b'{"type":"page","userId":"a","timestamp":"1970-01-01T00:00:00Z"}', "bad_timestamp"),
        (b'{"type":"page","userId":"a","timestamp":"2100-01-01T00:00:00Z"}', "bad_timestamp"),
        (b'{"type":"track","event":"Danced","userId":"a"}', "unknown_event"),
        (b'{"type":"track","event":"Product Viewed","userId":"a","properties":{"sku":"x","price":-1}}', "bad_price"),
        (b'{"type":"track","event":"Product Viewed","userId":"a","properties":{"sku":"x","price":"NaN"}}', "bad_price"),
        (
            b'{"type":"track","event":"Product Viewed","userId":"a","properties":{"sku":"x","price":NaN}}',
            "malformed_json",
        ),
        (Record(b"xxx", 9, 10_000_000, Refusal("too_large", "10,000,000 bytes")), "too_large"),
    ],
)
def test_a_bad_record_is_kept_with_its_reason_and_harms_no_other(
    tmp_path: Path, raw: bytes | Record, code: str
) -> None:
    staged = stage(tmp_path, b'{"type":"page","userId":"a"}', raw, b'{"type":"page","userId":"b"}')
    assert (staged.received, staged.accepted, dict(staged.quarantined)) == (3, 2, {code: 1})
    (row,) = pq.read_table(tmp_path / "quarantine-000000.parquet").to_pylist()
    assert row[c.CODE] == code
    assert len(row[c.REASON]) > 10


def test_a_repaired_event_is_stored_and_counted(tmp_path: Path) -> None:
    order = (
        b'{"type":"track","event":"Order Completed","userId":"a","properties":{"order_id":"o","coupon":[],"tax":""}}'
    )
    staged = stage(tmp_path, order, order, b'{"type":"page","userId":"a"}')
    assert (staged.accepted, staged.repaired) == (3, 2)
    assert staged.repairs == {"properties.coupon": 2, "properties.tax": 2}


@pytest.mark.parametrize(("purpose", "suppressed", "quarantined"), [("analytics", 1, 0), ("marketing", 0, 1)])
def test_the_consent_of_a_refused_event_is_kept_and_of_who_refuses_analytics_nothing_else(
    tmp_path: Path, purpose: str, suppressed: int, quarantined: int
) -> None:
    raw = b'{"type":"track","event":"Danced","userId":"a","context":{"ip":"192.0.2.7","consent":{"%s":false}}}'
    staged = stage(tmp_path, raw % purpose.encode())
    assert (staged.received, staged.suppressed, staged.quarantined.total()) == (1, suppressed, quarantined)
    (statement,) = pq.read_table(tmp_path / "consent-000000.parquet").to_pylist()
    assert statement[f"consent_{purpose}"] is False
    kept = pq.read_table(tmp_path / "quarantine-000000.parquet").to_pylist() if quarantined else []
    assert len(kept) == quarantined


def test_rules_of_the_store_are_used(tmp_path: Path) -> None:
    raw = b'{"type":"page","userId":"shop@example.com","anonymousId":"a"}'
    rules = EventRules(frozenset({"shop@example.com"}), {})
    records = [Record(raw, 1, len(raw))]
    chunk = Chunk(0, "f.jsonl", "file", NOW, records, AcceptedCurrencies(None, {}), rules)
    assert stage_chunk(chunk, tmp_path).repairs == {"userId (placeholder)": 1}
    assert stage(tmp_path, raw).repaired == 0


def test_records_may_carry_their_own_time_and_source(tmp_path: Path) -> None:
    earlier = NOW.replace(year=2024)
    raw = b'{"type":"page","userId":"a"}'
    stage(tmp_path, Record(raw, 1, len(raw), received_at=earlier, source="key:shop"), raw)
    lines = pq.read_table(tmp_path / "lines-000000.parquet").to_pylist()
    assert [(row[c.RECEIVED_AT], row[c.SOURCE]) for row in lines] == [(earlier, "key:shop"), (NOW, "file")]


def test_a_chunk_of_nothing_writes_nothing(tmp_path: Path) -> None:
    assert stage(tmp_path).received == 0
    assert not list(tmp_path.iterdir())


def test_a_worker_does_not_import_the_query_engine() -> None:
    """It takes most of the time in which a worker starts."""
    readers = "pipelines.ingest.readers.tables.tabular, pipelines.ingest.readers.segment"
    unwanted = "[name for name in ('ibis', 'duckdb', 'pandas') if name in sys.modules]"
    code = f"import sys, pipelines.ingest.staging, {readers}; print({unwanted})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
