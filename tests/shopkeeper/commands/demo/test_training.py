"""Training in two processes: every family is trained, and a failure of the other process is an error."""

from pathlib import Path

import pytest

from contracts.errors import StorageError
from contracts.progress import silent
from contracts.settings import CONFIG_VARIABLE, Settings, load_settings
from pipelines.families.registry import FAMILIES
from shopkeeper.commands.demo.training import SEPARATE, train_in_two
from tests.pipelines.wire import ingest_events, wire


@pytest.fixture
def tiny_store(tmp_path: Path) -> Settings:
    """A store that is too small for any family, so that each says what it lacks."""
    ingest_events(tmp_path, wire("1", userId="ann"))
    return load_settings(home=tmp_path)


def test_every_family_is_trained_by_one_of_the_two(tiny_store: Settings) -> None:
    trained = train_in_two(tiny_store, silent)
    assert [outcome.family for outcome in trained.outcomes] == [name for name in FAMILIES if name != SEPARATE]
    assert trained.output.startswith(f"{SEPARATE}: skipped. ")


def test_a_failure_of_the_other_process_is_an_error(tiny_store: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, "no such file")
    with pytest.raises(StorageError, match=r"train-recommend\.log says why"):
        train_in_two(tiny_store, silent)
    assert "no such file" in (tiny_store.home / "train-recommend.log").read_text()
