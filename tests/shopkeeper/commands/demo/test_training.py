"""Training in two processes: every family is trained, and a failure of the other process is an error."""

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import StorageError
from contracts.progress import silent
from contracts.settings import CONFIG_VARIABLE, Settings, load_settings
from pipelines.families.registry import FAMILIES
from shopkeeper.commands.demo.training import SEPARATE, train_in_two
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.wire import ingest_events, wire


def test_every_family_is_trained_by_one_of_the_two(tmp_path: Path) -> None:
    """The store is too small for any family, so that each says what it lacks."""
    ingest_events(with_mlflow_store(tmp_path), wire("1", userId="ann"))
    trained = train_in_two(load_settings(home=tmp_path), silent)
    assert [outcome.family for outcome in trained.outcomes] == [name for name in FAMILIES if name != SEPARATE]
    assert trained.output.startswith(f"{SEPARATE}: skipped. ")


def test_a_failure_of_the_other_process_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(settings: Settings, names: list[str], **_: Any) -> list[Any]:
        return []

    settings = load_settings(home=with_mlflow_store(tmp_path))
    monkeypatch.setattr("pipelines.training.train.train", train)
    monkeypatch.setenv(CONFIG_VARIABLE, "no such file")
    with pytest.raises(StorageError, match=r"train-recommend\.log says why"):
        train_in_two(settings, silent)
    assert "no such file" in (settings.home / "train-recommend.log").read_text()
