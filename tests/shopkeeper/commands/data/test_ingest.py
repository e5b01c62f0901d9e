import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import InputError
from shopkeeper.main import app
from tests.pipelines.ingest.readers.formats.written import export_text
from tests.pipelines.wire import wire, write_events


def run(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["ingest", *arguments], env={"SHOPKEEPER_HOME": str(home)})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_prints_counts_that_add_up_and_the_quarantine_by_code(tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.jsonl", [wire("1", userId="a"), wire("1", userId="a"), b"{"])
    (tmp_path / "items.csv").write_text("item_id,price\ntea,1\n,2\n")
    text = run(tmp_path / "home", str(events), "--catalogue", str(tmp_path / "items.csv"))
    assert "1 × malformed_json" in text
    assert "1 × bad_catalogue_row" in text
    entry = json.loads(run(tmp_path / "home", str(events), "--json"))
    assert {name: entry[name] for name in ("received", "stored", "duplicate", "quarantined", "suppressed")} == {
        "received": 3,
        "stored": 0,
        "duplicate": 2,
        "quarantined": 1,
        "suppressed": 0,
    }


def test_a_file_of_which_nothing_could_be_stored_is_an_error(tmp_path: Path) -> None:
    events = write_events(tmp_path / "e.jsonl", [b"{", b"{x"])
    environment = {"SHOPKEEPER_HOME": str(tmp_path / "home")}
    done = CliRunner().invoke(app, ["ingest", str(events)], env=environment)
    assert isinstance(done.exception, InputError)
    assert "all 2 records were refused" in str(done.exception)
    assert "2 × malformed_json" in done.stdout
    one = write_events(tmp_path / "f.jsonl", [b"{", wire("1", userId="a")])
    assert CliRunner().invoke(app, ["ingest", str(one)], env=environment).exit_code == 0


def test_without_files_it_drains_the_event_log(tmp_path: Path) -> None:
    assert "event log" in run(tmp_path)


@pytest.mark.parametrize("option", ["--mapping", "--catalogue", "--dry-run", "--decimal"])
def test_its_help_names_its_options(option: str) -> None:
    assert option in CliRunner(env={"COLUMNS": "200"}).invoke(app, ["ingest", "--help"]).stdout


def test_an_export_is_recognised_and_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    line = {"Name": "#1", "Email": "a@example.com", "Created at": "2025-05-01 10:00:00 +0000", "Lineitem sku": "S1"}
    line |= {"Lineitem quantity": "1", "Lineitem price": "1.005", "Id": "7", "Billing Phone": "555"}
    path = tmp_path / "orders_export_1.csv"
    path.write_text(export_text("shopify_orders", [line]))
    with pytest.raises(InputError, match=r"column 'Lineitem price' can be read in two ways: 1\.005"):
        ask(tmp_path / "home", str(path))
    text = run(tmp_path / "home", str(path), "--decimal", ".", "--dry-run")
    assert "orders_export_1.csv: Shopify orders. Reads Name, Email," in text
    assert "Leaves Paid at," in text
    assert "nothing is stored" in text
    entry = json.loads(run(tmp_path / "home", str(path), "--decimal", ",", "--json"))
    assert (entry["stored"], entry["recognized"][0]["format"]) == (1, "shopify_orders")


def ask(home: Path, *arguments: str) -> None:
    done = CliRunner().invoke(app, ["ingest", *arguments], env={"SHOPKEEPER_HOME": str(home)})
    assert done.exception is not None
    raise done.exception
