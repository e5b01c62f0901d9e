"""`shopkeeper status`: what is served, stored and waiting, and what is wrong, also where there is nothing yet."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from contracts.bundle import FORMAT_VERSION, ITEMS_TABLE, Answerer, Verdict
from contracts.logs.events import LogRecord, open_event_log
from contracts.settings import load_settings
from pipelines.families.names import FAMILY_NAMES
from pipelines.training.challengers import Challenger, ChallengerStore
from shopkeeper.commands.status import status
from tests.bare_bundles import MOMENT, publish_tables
from tests.pipelines.wire import bought, ingest_events


def run(home: Path, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(status)
    done = CliRunner().invoke(app, list(arguments), env={"SHOPKEEPER_HOME": str(home)}, catch_exceptions=False)
    assert done.exit_code == 0
    return " ".join(done.stdout.split()) if "--json" not in arguments else done.stdout


def challenger(family: str, *, answers: Answerer | None, gate: str) -> Challenger:
    return Challenger(
        family=family,
        kind="customers",
        as_of=MOMENT,
        trained_at=datetime.now(UTC),
        verdict=Verdict("better" if answers else "worse", answers, gate),
        baseline="recency",
        cases=10,
        test_window_start=MOMENT,
        test_window_end=MOMENT,
        metrics={"auc": 0.8},
        baseline_metrics={"auc": 0.7},
        details={},
        parameters={},
        bundle_format=FORMAT_VERSION,
    )


def test_an_empty_home_says_what_to_do_and_stays_empty(tmp_path: Path) -> None:
    shown = run(tmp_path / "home")
    assert "`shopkeeper ingest FILE`" in shown
    assert "`shopkeeper retrain`" in shown
    assert "`shopkeeper keys create --help`" in shown
    assert [name for name in FAMILY_NAMES if f"{name} not trained." not in shown] == []
    assert json.loads(run(tmp_path / "home", "--json"))["bundle"] is None
    assert not (tmp_path / "home").exists()


def test_events_bundle_and_what_waits_are_shown(tmp_path: Path) -> None:
    ingest_events(tmp_path, bought("m1", "ann", {"tea": 5.0}), {"type": "what", "messageId": "m2"})
    log = open_event_log(load_settings(home=tmp_path).events_url)
    log.append([LogRecord(f"m{number}", b"{}", MOMENT, "web") for number in range(3)])
    log.close()
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table({"item_id": ["tea"]})})
    found: dict[str, Any] = json.loads(run(tmp_path, "--json"))
    assert (found["events"]["stored"], found["events"]["waiting"]) == (1, 3)
    assert found["events"]["ingests"][0]["received"] == 2
    assert (found["bundle"]["version"], found["bundle"]["versions"]) == ("v1", ["v1"])
    shown = run(tmp_path)
    assert "Served: bundle v1" in shown
    assert "1 stored, from 2025-03-01" in shown
    assert "Waiting: 3" in shown
    assert "Quarantined: 1 records: 1 unknown_type" in shown
    assert "The last event is of 2025-03-01." in shown


def test_each_family_has_its_verdict_and_what_was_not_published_is_a_problem(tmp_path: Path) -> None:
    store = ChallengerStore(load_settings(home=tmp_path).candidates_path)
    store.save(challenger("churn", answers=None, gate="auc falls short"), None)
    store.save(challenger("demand", answers="model", gate="pinball is better"), None)
    shown = run(tmp_path)
    assert "churn not published: auc falls short." in shown
    assert "Trained but not published: demand. `shopkeeper publish`" in shown


def test_a_damaged_bundle_or_warehouse_is_a_problem_and_the_rest_is_shown(tmp_path: Path) -> None:
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table({"item_id": ["tea"]})})
    next((tmp_path / "bundles").rglob("items.arrow")).write_bytes(b"x")
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "CURRENT.json").write_text("{")
    shown = run(tmp_path)
    assert "is not the file that was published" in shown
    assert "cannot be read" in shown
    assert "Families" in shown


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=5 * 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert "Only 5 MiB are free" in run(tmp_path)
