from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import InputError
from pipelines.ingest.readers.tables.mapping import load_mapping
from shopkeeper.main import app
from tests.pipelines.ingest.readers.formats.written import export_text

SALES = "Order No,Order Date,Email,SKU,Qty,Price\n1,2026-01-02 10:00,a@example.com,tea,1,2.50\n"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["mapping", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_draft_is_printed_or_written(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    text = run("draft", str(tmp_path / "sales.csv"))
    assert 'order_id = "Order No"' in text
    run("draft", str(tmp_path / "sales.csv"), "--output", str(tmp_path / "m.toml"))
    assert (tmp_path / "m.toml").read_text() == text
    assert load_mapping(str(tmp_path / "m.toml")).source == "m"
    with pytest.raises(InputError, match="exists already"):
        run("draft", str(tmp_path / "sales.csv"), "--output", str(tmp_path / "m.toml"))


def test_an_export_that_is_known_needs_no_draft(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(export_text("shopify_orders", []))
    assert "format shopify_orders" in run("draft", str(tmp_path / "o.csv"))
    assert "shopify_orders" in run("formats").splitlines()
