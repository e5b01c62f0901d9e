import logging
from pathlib import Path

import pytest

from contracts.errors import SettingsError
from recsys.reranking.policy import Policy
from serving.answers.policy_watcher import PolicyWatcher


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def test_no_file_is_a_policy_that_decides_nothing() -> None:
    watch = PolicyWatcher(None)
    watch.refresh()
    assert watch.policy == Policy()
    assert not watch.is_refused


@pytest.mark.parametrize("text", [None, "[for_you]\nminimum = 3", "[[["])
def test_a_bad_file_at_the_start_is_an_error_that_names_it(path: Path, text: str | None) -> None:
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"policy\.toml"):
        PolicyWatcher(path)


def test_a_change_counts_when_it_is_seen(path: Path) -> None:
    path.write_text("[for_you]\nminimum_items = 3")
    watch = PolicyWatcher(path)
    before = watch.policy
    watch.refresh()
    assert watch.policy is before
    path.write_text("[for_you]\nminimum_items = 44")
    watch.refresh()
    assert watch.policy.placement("for_you").minimum_items == 44


def test_a_bad_change_keeps_the_policy_before_and_is_said_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text("[for_you]\nminimum_items = 3")
    watch = PolicyWatcher(path)
    with caplog.at_level(logging.ERROR):
        path.write_text("[for_you]\nminimum = 3")
        watch.refresh()
        watch.refresh()
    assert watch.is_refused
    assert watch.policy.placement("for_you").minimum_items == 3
    assert ["stays in force" in entry.message for entry in caplog.records] == [True]
    path.write_text("[for_you]\nminimum_items = 5")
    watch.refresh()
    assert not watch.is_refused
    assert watch.policy.placement("for_you").minimum_items == 5


def test_a_file_that_is_gone_is_a_bad_change(path: Path) -> None:
    path.write_text("[for_you]\nminimum_items = 3")
    watch = PolicyWatcher(path)
    path.unlink()
    watch.refresh()
    assert watch.is_refused
    assert watch.policy.placement("for_you").minimum_items == 3
