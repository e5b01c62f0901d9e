"""`shopkeeper publish | rollback`: what the command prints of what happened."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from contracts.bundle import ITEMS_TABLE
from contracts.errors import NoBundle
from pipelines.publishing.publish import Published
from shopkeeper.commands.publish import publish, rollback
from tests.bare_bundles import publish_tables

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
