"""`shopkeeper publish | rollback`: what the command prints of what happened."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from contracts.bundle import ITEMS_TABLE, write_table
from contracts.bundle_store import open_bundle_store
from contracts.errors import NoBundle
from contracts.settings import load_settings
from pipelines.publishing.publish import Published
from shopkeeper.commands.publish import bundles, publish, rollback
from tests.bare_bundles import bare_manifest, publish_tables

PUBLISHED = Published("v2", Path("bundles/v2"), ["churn"], ["value"], {"demand": "falls short"}, "v1 is damaged.")


def run(command: Any, home: Path, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, list(arguments), env={"SHOPKEEPER_HOME": str(home)}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.publishing.publish.publish", lambda settings, progress: PUBLISHED)


@pytest.mark.usefixtures("published")
def test_what_is_new_kept_and_missing_is_printed(tmp_path: Path) -> None:
    shown = run(publish, tmp_path)
    assert "Published v2 with churn." in shown
    assert "value" in shown
    assert "Without demand: falls short." in shown
    assert "v1 is damaged." in shown


@pytest.mark.usefixtures("published")
def test_json_holds_the_same(tmp_path: Path) -> None:
    found = json.loads(run(publish, tmp_path, "--json"))
    assert (found["version"], found["new"], found["kept"]) == ("v2", ["churn"], ["value"])
    assert found["refused"] == "v1 is damaged."


def test_rollback_without_an_earlier_version_is_refused(tmp_path: Path) -> None:
    publish_tables(tmp_path, {ITEMS_TABLE: pa.table({"item_id": ["tea"]})})
    with pytest.raises(NoBundle, match="no version before"):
        run(rollback, tmp_path)


def test_the_published_bundles_are_listed_newest_first_and_a_damaged_one_says_why(tmp_path: Path) -> None:
    store = open_bundle_store(load_settings(home=tmp_path).bundles_url)
    for version in ("v1", "v2", "v3"):
        with store.draft() as draft:
            write_table(draft / ITEMS_TABLE, pa.table({"item_id": ["tea"]}))
            store.publish(draft, bare_manifest(draft, version))
    store.rollback("v2")
    (tmp_path / "bundles" / "v1" / ITEMS_TABLE).write_bytes(b"x")
    rows = json.loads(run(bundles, tmp_path, "--json"))["bundles"]
    assert [(row["version"], row["is_current"]) for row in rows] == [("v3", False), ("v2", True), ("v1", False)]
    assert "is not the file that was published" in rows[2]["refused"]
    assert [line.split()[:2] for line in run(bundles, tmp_path).splitlines() if line.startswith("v2")] == [
        ["v2", "current"]
    ]
