"""`shopkeeper status`: what is stored, trained and published, also where there is nothing yet."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import typer
from typer.testing import CliRunner

from contracts.bundle import ITEMS_TABLE
from shopkeeper.commands.status import status
from tests.bare_bundles import publish_tables
from tests.pipelines.wire import bought, ingest_events


def run(home: Path, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(status)
    done = CliRunner().invoke(app, list(arguments), env={"SHOPKEEPER_HOME": str(home)}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    shown = run(tmp_path)
    assert "`shopkeeper ingest FILE`" in shown
    assert "`shopkeeper retrain`" in shown
    assert json.loads(run(tmp_path, "--json"))["bundle"] is None


def test_events_and_bundle_are_shown(tmp_path: Path) -> None:
    ingest_events(tmp_path, bought("m1", "ann", {"tea": 5.0}))
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table({"item_id": ["tea"]})})
    found: dict[str, Any] = json.loads(run(tmp_path, "--json"))
    assert found["events"]["stored"] == 1
    assert found["events"]["ingests"][0]["received"] == 1
    assert (found["bundle"]["version"], found["bundle"]["versions"]) == ("v1", ["v1"])
    shown = run(tmp_path)
    assert "1 stored, from 2025-03-01" in shown
    assert "Bundle: v1, one of 1 published." in shown
