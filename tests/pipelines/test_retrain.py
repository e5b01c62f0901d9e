from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.settings import Settings
from pipelines import retrain as module


@pytest.mark.parametrize(("has_table", "is_published"), [([], False), ([False, False], False), ([False, True], True)])
def test_it_publishes_only_if_this_run_has_made_something(
    monkeypatch: pytest.MonkeyPatch, has_table: list[bool], is_published: bool
) -> None:
    steps: list[str] = []

    def step(name: str, answer: Any) -> Any:
        return lambda *_, **__: steps.append(name) or answer

    monkeypatch.setattr(module, "erase_waiting", step("erase", []))
    outcomes = [SimpleNamespace(has_table=each) for each in has_table]
    monkeypatch.setattr(module, "ingest", step("ingest", "report"))
    monkeypatch.setattr(module, "train", step("train", outcomes))
    monkeypatch.setattr(module, "publish", step("publish", "version"))
    retrained = module.retrain(Settings())
    assert retrained.published == ("version" if is_published else None)
    assert steps == ["erase", "ingest", "train", "publish"][: 4 if is_published else 3]


def test_the_cut_is_handed_to_training(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[Any] = []
    monkeypatch.setattr(module, "erase_waiting", lambda *_: [])
    monkeypatch.setattr(module, "ingest", lambda *_, **__: "report")
    monkeypatch.setattr(module, "train", lambda *_, as_of, progress: cuts.append(as_of) or [])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    module.retrain(Settings(), moment)
    module.retrain(Settings())
    assert cuts == [moment, None]
