import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shopkeeper.main import app
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


def test_without_files_it_drains_the_event_log(tmp_path: Path) -> None:
    assert "event log" in run(tmp_path)


@pytest.mark.parametrize("option", ["--mapping", "--catalogue"])
def test_its_help_names_its_options(option: str) -> None:
    assert option in CliRunner(env={"COLUMNS": "200"}).invoke(app, ["ingest", "--help"]).stdout
