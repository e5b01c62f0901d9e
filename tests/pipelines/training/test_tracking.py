"""Tracking, in a real MLflow store: what a data scientist finds there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.training.tracking import CHAMPION, Tracker


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


def tracker(home: Path) -> Tracker:
    return Tracker(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")


def record(tracker: Tracker, auc: float) -> tuple[str, str]:
    return tracker.record(
        "churn",
        parameters={"horizon_days": 60, "columns": ["x"] * 5000},
        tags={"as_of": "2026-01-01", "gate_passed": "true"},
        metrics={"auc": auc, "undefined": None},
        baseline_metrics={"auc": 0.7},
        details={"reliability": [[0.1, 0.2]]},
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_runs_are_registered_and_the_published_one_is_champion(home: Path) -> None:
    first = tracker(home)
    run_id, version = record(first, 0.8)
    _, second_version = record(tracker(home), 0.9)
    assert (version, second_version) == ("1", "2")

    first.crown("churn", version)
    client = first._client
    assert client.get_model_version_by_alias("shopkeeper-churn", CHAMPION).run_id == run_id
    run = client.get_run(run_id)
    assert run.data.metrics == {"auc": 0.8, "baseline_auc": 0.7}
    assert run.data.params["horizon_days"] == "60"
    assert run.data.tags["as_of"] == "2026-01-01"
    assert run.info.status == "FINISHED"
    assert list((home / "artifacts").rglob("details.json"))

    first.crown("churn", second_version)
    assert str(client.get_model_version_by_alias("shopkeeper-churn", CHAMPION).version) == second_version
