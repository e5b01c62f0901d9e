"""Tracking, in a real MLflow store: what a data scientist finds there."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from contracts.bundle import Verdict
from pipelines.training.tracking import CHAMPION, Tracker
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.training.test_challengers import CHALLENGER


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_mlflow_store(tmp_path_factory.mktemp("mlflow"))


def uri(home: Path) -> str:
    return f"sqlite:///{home / 'mlflow.db'}"


def record(home: Path, auc: float) -> tuple[str, str]:
    challenger = msgspec.structs.replace(
        CHALLENGER,
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        metrics={"auc": auc, "undefined": None},
        verdict=Verdict("better", "model", "clearly better", 0.1, 0.05, 0.2),
        parameters={"horizon_days": 60, "columns": ["x"] * 5000},
        details={"reliability": [[0.1, 0.2]]},
    )
    return Tracker(uri(home), home / "artifacts").record(challenger)


def test_runs_are_registered_and_the_published_one_is_champion(home: Path) -> None:
    from mlflow import MlflowClient

    run_id, version = record(home, 0.8)
    _, second_version = record(home, 0.9)
    assert (version, second_version) == ("1", "2")

    tracker, client = Tracker(uri(home), home / "artifacts"), MlflowClient(uri(home))
    tracker.promote_champion("churn", version)
    assert client.get_model_version_by_alias("shopkeeper-churn", CHAMPION).run_id == run_id
    run = client.get_run(run_id)
    gain = {"gain": 0.1, "gain_low": 0.05, "gain_high": 0.2}
    assert run.data.metrics == {"auc": 0.8, "baseline_auc": 0.7} | gain
    assert run.data.params["horizon_days"] == "60"
    assert run.data.tags["as_of"] == "2026-01-01T00:00:00+00:00"
    assert (run.data.tags["verdict"], run.data.tags["answered_by"]) == ("better", "model")
    assert run.info.status == "FINISHED"
    assert list(home.rglob("details.json"))

    tracker.promote_champion("churn", second_version)
    assert str(client.get_model_version_by_alias("shopkeeper-churn", CHAMPION).version) == second_version
