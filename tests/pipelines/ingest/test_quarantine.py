import json
import re
from pathlib import Path

from contracts.errors import InvalidEvent
from pipelines.ingest.quarantine import quarantine_row
from pipelines.ingest.readers.record import Record
from tests.pipelines.wire import NOW

ERROR = InvalidEvent("bad_price", "a price is -1.0")


def test_a_row_has_the_record_the_reason_and_the_place() -> None:
    key, *rest = quarantine_row(Record(b'{"a":1}', 7, 7), ERROR, "f.jsonl", "file", NOW)
    assert len(key) == 32
    assert rest == ["bad_price", "a price is -1.0", '{"a":1}', "f.jsonl:7", "file", NOW]


def test_the_key_is_of_the_record_alone() -> None:
    keys = {quarantine_row(Record(b"x", place, 1), ERROR, f"f{place}", "file", NOW)[0] for place in range(3)}
    assert len(keys) == 1
    assert quarantine_row(Record(b"y", 0, 1), ERROR, "f", "file", NOW)[0] not in keys


def test_a_long_record_is_cut_and_its_size_noted() -> None:
    raw = quarantine_row(Record(b"x" * 32_769, 1, 10_000_000), ERROR, "f", "file", NOW)[3]
    assert raw.endswith("[cut; the record has 10,000,000 bytes]")
    assert len(raw) < 33_000


def test_what_is_not_text_is_kept_as_escapes() -> None:
    assert quarantine_row(Record(b"\xffx", 1, 2), ERROR, "f", "file", NOW)[3] == "\\xffx"


def test_a_row_of_a_table_is_kept_under_its_own_names() -> None:
    record = Record(b"", 3, 0, original=(("preis", "am"), (-1.0, NOW)))
    assert json.loads(quarantine_row(record, ERROR, "t.csv", "shop", NOW)[3]) == {"preis": -1.0, "am": NOW.isoformat()}
    odd = Record(b"", 3, 0, original=(("a", "b"), ("1", "2", "\ud800")))
    assert "ud800" in quarantine_row(odd, ERROR, "t.csv", "shop", NOW)[3]


def test_every_code_is_documented() -> None:
    root = Path(__file__).parents[3]
    sources = [*(root / "contracts").rglob("*.py"), *(root / "pipelines").rglob("*.py")]
    pattern = r"(?:InvalidEvent|Refusal)\(\s*\"([a-z_]+)\""
    codes = {code for source in sources for code in re.findall(pattern, source.read_text())}
    page = (root / "docs" / "events.md").read_text()
    assert {"bad_price", "no_rule", "malformed_csv"} <= codes
    assert not [code for code in codes if f"`{code}`" not in page]
