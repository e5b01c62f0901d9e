import json
from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.ingest.files import open_files
from pipelines.ingest.readers.formats.format import Terms
from pipelines.ingest.readers.tables.draft import draft_mapping
from tests.pipelines.wire import NOW

GERMAN = (
    "Bestellnummer;Bestelldatum;Kundennummer;Artikelnummer;Bezeichnung;Menge;Preis;Telefon\n"
    "1;28.02.2025 10:00;k1;tee;Tee;2;1.234,50;030-1\n"
    "1;;;tasse;Tasse;1;5,00;\n"
    "1;;;löffel;Löffel;-1;5,00;\n"
)


def draft(path: Path, text: str) -> str:
    path.write_text(text)
    return draft_mapping(path)


def test_a_draft_reads_the_file_that_it_was_made_from(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(draft(tmp_path / "sales.csv", GERMAN))
    opened = open_files([tmp_path / "sales.csv"], str(tmp_path / "m.toml"), None, Terms(NOW))
    ((_, export),) = opened.events
    records = [record for block in export.blocks for record in block]
    assert [record.refusal for record in records] == [None, None, None]
    events = [json.loads(record.raw) for record in records]
    assert [event["event"] for event in events] == ["Order Completed", "Order Completed", "Order Refunded"]
    assert [event["properties"]["price"] for event in events] == [1234.5, 5.0, 5.0]
    assert {event["timestamp"] for event in events} == {"2025-02-28T10:00:00+00:00"}
    assert {event["userId"] for event in events} == {"k1"}


def test_what_is_not_certain_is_a_comment(tmp_path: Path) -> None:
    text = draft(tmp_path / "s.csv", "order,date,price\n1,03/04/2026,1.234\n")
    assert '# timestamp_format = "%d/%m/%Y" or "%m/%d/%Y"? The times look like 03/04/2026.' in text
    assert '# decimal = "," or "."? the amounts in column' in text
    clear = draft(tmp_path / "s.csv", "order,date,price\n1,03/14/2026,1.23\n")
    assert '\ntimestamp_format = "%m/%d/%Y"\n' in clear


def test_no_value_of_a_person_is_in_the_draft(tmp_path: Path) -> None:
    text = draft(tmp_path / "s.csv", "order,date,email,phone\n1,2026-01-01,ann@example.com,555-1\n")
    assert "not read: 'phone'" in text
    assert not [value for value in ("ann@", "555-1") if value in text]


def test_a_table_without_times_is_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(draft(tmp_path / "items.csv", "SKU,Title,Price,Stock,Weight\ntea,Tea,2.50,3,1\n"))
    opened = open_files([tmp_path / "items.csv"], str(tmp_path / "m.toml"), None, Terms(NOW))
    assert opened.items is not None
    assert [(row["item_id"], row["price"], row["stock"]) for row in opened.items.items.to_pylist()] == [
        ("tea", 2.5, 3.0)
    ]


@pytest.mark.parametrize(("text", "message"), [("{}", "no table"), ("colour,size\nred,1\n", "looks like a time")])
def test_what_cannot_be_drafted_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draft(tmp_path / "x", text)


@pytest.mark.parametrize(
    ("times", "key"),
    [
        (["1433221332117"], 'timestamp_unit = "ms"'),
        (["1433221332"], 'timestamp_unit = "s"'),
        (["2026-05-01 10:00:00 +0200"], None),
        (["28.02.2026"], 'timestamp_format = "%d.%m.%Y"'),
        (["Feb 3, 2026"], 'timestamp_format = "%b %d, %Y"'),
    ],
)
def test_the_form_of_times_is_seen(tmp_path: Path, times: list[str], key: str | None) -> None:
    text = draft(tmp_path / "s.csv", "order;date\n" + "".join(f"1;{time}\n" for time in times))
    assert (key in text.splitlines()) if key else ("timestamp_" not in text)
