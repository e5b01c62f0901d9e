"""Tracking, in a real MLflow store: what a data scientist finds there."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from contracts.bundle import Verdict
from pipelines.families.churn import CHURN
from pipelines.training.tracking import CHAMPION, EXPERIMENT, Tracker
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
    return Tracker(uri(home), home / "artifacts").record(challenger, CHURN.gate)


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
    assert run.data.metrics == {"auc": 0.8, "baseline_auc": 0.7, "score": 0.8, "baseline_score": 0.7} | gain
    assert run.data.tags["judged_by"] == CHURN.gate.label
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert run.data.tags.get("mlflow.source.git.commit", "") == head.stdout.strip()
    assert run.data.params["horizon_days"] == "60"
    assert run.data.tags["as_of"] == "2026-01-01T00:00:00+00:00"
    assert (run.data.tags["verdict"], run.data.tags["answered_by"]) == ("better", "model")
    assert run.info.status == "FINISHED"
    assert list(home.rglob("details.json"))

    tracker.promote_champion("churn", second_version)
    assert str(client.get_model_version_by_alias("shopkeeper-churn", CHAMPION).version) == second_version


def test_the_page_of_the_runs_opens_with_the_columns_that_every_run_has(home: Path) -> None:
    from mlflow import MlflowClient

    run_id, _ = record(home, 0.8)
    client = MlflowClient(uri(home))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    page = urlsplit(urlsplit(Tracker(uri(home), home / "artifacts").runs_page).fragment)
    assert page.path == f"/experiments/{experiment.experiment_id}/runs"
    (key,) = parse_qs(page.query)["viewStateShareKey"]
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{key}"])
    assert view["selectedColumns"] == view["columnOrder"] == list(view["columnWidths"])
    run = client.get_run(run_id)
    has = {"tags": set(run.data.tags), "metrics": set(run.data.metrics)}
    columns = [re.fullmatch(r"(\w+)\.`(.+)`", column) for column in view["selectedColumns"]]
    shown = [(column[1], column[2]) for column in columns if column and column[1] != "attributes"]
    assert len(shown) == 10
    assert all(name in has[kind] for kind, name in shown)


def test_an_experiment_of_an_earlier_version_gets_the_view(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(uri(with_mlflow_store(tmp_path)))
    experiment_id = client.create_experiment(EXPERIMENT)
    Tracker(uri(tmp_path), tmp_path / "artifacts")
    assert any(name.startswith("mlflow.sharedViewState.") for name in client.get_experiment(experiment_id).tags)
