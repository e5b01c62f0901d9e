"""Every training run in MLflow: parameters, data window, metrics, registered version, and the alias `champion`.

The only module that imports mlflow, and only when it is used: the import takes seconds.
"""

import json
import logging
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.families.family import Gate
from pipelines.training.challengers import Challenger

EXPERIMENT: Final = "shopkeeper"
CHAMPION: Final = "champion"
# MLflow's pages then show the runs of models first, not the traces of language models.
_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
# A shared view of MLflow's list of runs: an address that names it opens the list with these columns.
_VIEW: Final = "compare"
_VIEW_TAG: Final = f"mlflow.sharedViewState.{_VIEW}"
_COLUMN_WIDTHS: Final = {
    "tags.`family`": 100,
    "tags.`verdict`": 80,
    "tags.`answered_by`": 100,
    "tags.`judged_by`": 170,
    **{f"metrics.`{name}`": 110 for name in ("score", "baseline_score", "gain", "gain_low", "gain_high")},
    "tags.`as_of`": 150,
    "attributes.`Version`": 80,  # the commit
}
_COMMIT: Final = "mlflow.source.git.commit"
_MAX_PARAMETER_CHARS: Final = 6000  # MLflow's own limit


class Tracker:
    """Writes runs and registered versions to one MLflow tracking store."""

    def __init__(self, tracking_uri: str, artifacts: Path) -> None:
        # MLflow sends usage data to its makers by default; a shop's software must not.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        from mlflow import MlflowClient

        # Its stores log each migration at INFO; set after the import, which configures its own logging.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if tracking_uri.startswith("sqlite:///"):
            Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._client = MlflowClient(tracking_uri)
        self._experiment_id = self._experiment(tracking_uri, artifacts)

    @property
    def runs_page(self) -> str:
        """The page of MLflow's server that lists the runs with the columns that compare them, without its host."""
        return f"/#/experiments/{self._experiment_id}/runs?viewStateShareKey={_VIEW}&workflowType=machine_learning"

    def record(self, challenger: Challenger, gate: Gate) -> tuple[str, str]:
        """Write one finished run and register it as a version; returns (run id, version)."""
        from mlflow.entities import Metric, Param

        client, metrics = self._client, _defined(challenger, gate)
        tags = {"family": challenger.family, "judged_by": gate.label, **_tags(challenger), **_commit()}
        run = client.create_run(
            self._experiment_id,
            run_name=challenger.family,
            start_time=_milliseconds(challenger.trained_at),
            tags=tags,
        )
        run_id: str = run.info.run_id
        at = _milliseconds(datetime.now(UTC))
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, at, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)[:_MAX_PARAMETER_CHARS]) for name, value in challenger.parameters.items()],
        )
        client.log_dict(run_id, {"details": challenger.details}, "details.json")
        client.set_terminated(run_id)
        registered = self._registered(challenger.family)
        version = client.create_model_version(registered, source=run.info.artifact_uri, run_id=run_id)
        return run_id, str(version.version)

    def promote_champion(self, family: str, version: str) -> None:
        """Point the alias `champion` at the published version."""
        self._client.set_registered_model_alias(self._registered(family), CHAMPION, version)

    def _experiment(self, tracking_uri: str, artifacts: Path) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        columns = list(_COLUMN_WIDTHS)
        view = json.dumps({"selectedColumns": columns, "columnOrder": columns, "columnWidths": _COLUMN_WIDTHS})
        if found is not None:
            if found.tags.get(_VIEW_TAG) != view:  # of an earlier version
                self._client.set_experiment_tag(found.experiment_id, _VIEW_TAG, view)
            return str(found.experiment_id)
        # A database alone would put artifacts into the current folder; a server knows its own place.
        location = None if tracking_uri.startswith("http") else artifacts.resolve().as_uri()
        tags = _KIND | {_VIEW_TAG: view}
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=location, tags=tags))

    def _registered(self, family: str) -> str:
        from mlflow.exceptions import MlflowException

        name = f"{EXPERIMENT}-{family}"
        try:
            self._client.get_registered_model(name)
        except MlflowException:
            self._client.create_registered_model(name, description=f"Shopkeeper's {family} family")
        return name


def _tags(challenger: Challenger) -> dict[str, str]:
    start, end = challenger.test_window_start, challenger.test_window_end
    verdict = challenger.verdict
    return {
        "as_of": challenger.as_of.isoformat(),
        "test_window": f"{start.isoformat()} to {end.isoformat()}" if start and end else "none",
        "baseline": challenger.baseline,
        "gate": verdict.reason,
        "verdict": verdict.finding,
        "answered_by": verdict.answers or "nothing new",
    }


def _commit() -> dict[str, str]:
    """The commit of the checkout that the program runs from, as MLflow's tag; nothing where it is installed."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return {}
    try:
        found = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True)
    except OSError:  # there is no git
        return {}
    return {_COMMIT: found.stdout.strip()} if found.returncode == 0 else {}


def _defined(challenger: Challenger, gate: Gate) -> dict[str, float]:
    """The metrics that exist on this data, and the gain with its interval; those of the baseline have a prefix.

    `score` is the metric that the gate judges by, so that runs of different families have it in one column.
    """
    verdict = challenger.verdict
    metrics = challenger.metrics | {"score": challenger.metrics.get(gate.metric)}
    of_baseline = challenger.baseline_metrics | {"score": challenger.baseline_metrics.get(gate.metric)}
    baseline = {f"baseline_{name}": value for name, value in of_baseline.items()}
    gain = {"gain": verdict.gain, "gain_low": verdict.gain_low, "gain_high": verdict.gain_high}
    return {name: value for name, value in (metrics | baseline | gain).items() if value is not None}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
