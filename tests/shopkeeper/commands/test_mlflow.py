"""`shopkeeper mlflow`: says what to install, and starts MLflow on loopback over the store's own runs."""

import importlib.util
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from contracts.errors import SettingsError
from shopkeeper.commands.mlflow import mlflow
from tests.mlflow_store import with_mlflow_store

app = typer.Typer()
app.command()(mlflow)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run."""
    commands: list[list[str]] = []

    def run(command: list[str], **more: Any) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_without_the_server_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="make mlflow"):
        CliRunner().invoke(app, [], env={"SHOPKEEPER_HOME": str(tmp_path)}, catch_exceptions=False)


def test_it_listens_on_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with_mlflow_store(tmp_path)
    shown = CliRunner().invoke(app, ["--port", "5001"], env={"SHOPKEEPER_HOME": str(tmp_path)}).stdout
    (command,) = started
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "5001"
    assert str(tmp_path) in command[command.index("--backend-store-uri") + 1]
    assert "http://127.0.0.1:5001/#/experiments/1/runs?viewStateShareKey=" in shown


def test_a_remote_server_is_named_and_nothing_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    environment = {"SHOPKEEPER_HOME": str(tmp_path), "SHOPKEEPER_MLFLOW": "http://mlflow.example"}
    assert "http://mlflow.example" in CliRunner().invoke(app, [], env=environment).stdout
    assert started == []
