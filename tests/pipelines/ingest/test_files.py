import json
from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.ingest.files import open_files
from pipelines.ingest.readers.formats.format import Terms
from tests.pipelines.ingest.readers.formats.written import export_text, header_of
from tests.pipelines.wire import NOW, wire, write_events


def test_json_lines_need_nothing_and_a_table_needs_to_be_known(tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.jsonl", [wire("1", userId="a")])
    opened = open_files([events], None, None, Terms(NOW))
    ((path, export),) = opened.events
    assert path == events
    assert [json.loads(record.raw)["messageId"] for block in export.blocks for record in block] == ["1"]
    assert (opened.items, opened.recognized) == (None, [])
    (tmp_path / "t.csv").write_text("colour,size\nred,1\n")
    with pytest.raises(InputError, match=r"t\.csv looks like CSV.*no export that is known"):
        open_files([tmp_path / "t.csv"], None, None, Terms(NOW))


def test_a_mapping_that_is_given_is_used(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("time,who\n2026-01-01,a\n")
    mapping = "[fields]\ntimestamp = 'time'\nuser_id = 'who'\norder_id = 'who'\n[[rules]]\nevent = 'Order Completed'\n"
    (tmp_path / "m.toml").write_text(mapping)
    ((_, export),) = open_files([tmp_path / "t.csv"], str(tmp_path / "m.toml"), None, Terms(NOW)).events
    assert export.source == "m"


def test_a_catalogue_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("item_id,price\ntea,1\n,2\n")
    opened = open_files([], None, tmp_path / "c.csv", Terms(NOW))
    assert opened.items is not None
    assert (opened.items.items.num_rows, opened.partial) == (1, None)
    assert [table.num_rows for table in opened.refused_items] == [1]


def test_a_mapping_for_an_export_that_is_known_is_used_and_noted(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(export_text("shopify_orders", []))
    own = "[fields]\ntimestamp = 'Created at'\norder_id = 'Name'\n[[rules]]\nevent = 'Order Completed'\n"
    (tmp_path / "m.toml").write_text(own)
    opened = open_files([tmp_path / "o.csv"], str(tmp_path / "m.toml"), None, Terms(NOW))
    assert "the format shopify_orders, which is read without --mapping" in opened.notes[0]
    assert opened.events[0][1].source == "m"
    opened = open_files([tmp_path / "o.csv"], "shopify_orders", None, Terms(NOW))
    assert (opened.notes, opened.recognized[0].format) == ([], "shopify_orders")


def test_an_export_may_be_given_as_the_catalogue(tmp_path: Path) -> None:
    product = {"URL handle": "tea", "Title": "Tea", "SKU": "T1", "Price": "2.50"}
    (tmp_path / "p.csv").write_text(export_text("shopify_products", [product]))
    opened = open_files([], None, tmp_path / "p.csv", Terms(NOW))
    assert opened.items is not None
    assert opened.items.items["item_id"].to_pylist() == ["T1"]
    (tmp_path / "o.csv").write_text(export_text("shopify_orders", []))
    with pytest.raises(InputError, match="no column 'item_id'"):  # it has no items
        open_files([], None, tmp_path / "o.csv", Terms(NOW))


def test_a_file_that_lacks_a_column_of_an_export_is_refused_with_its_name(tmp_path: Path) -> None:
    columns = [column for column in header_of("shopify_orders") if column != "Lineitem sku"]
    (tmp_path / "o.csv").write_text(export_text("shopify_orders", [], columns))
    with pytest.raises(InputError, match="most like Shopify orders, but has no column 'Lineitem sku'"):
        open_files([tmp_path / "o.csv"], None, None, Terms(NOW))
    (tmp_path / "o.csv").write_text("colour,size\nred,1\n")
    with pytest.raises(InputError, match=r"no export that is known\. Say how .* `shopkeeper mapping draft"):
        open_files([tmp_path / "o.csv"], None, None, Terms(NOW))
