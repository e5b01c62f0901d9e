"""Every training run in MLflow: parameters, data window, metrics, registered version, and the alias `champion`.

The only module that imports mlflow, and only when it is used: the import takes seconds.
"""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.training.challengers import Challenger

EXPERIMENT: Final = "shopkeeper"
CHAMPION: Final = "champion"
# MLflow's pages then show the runs of models first, not the traces of language models.
_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
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

    def record(self, challenger: Challenger) -> tuple[str, str]:
        """Write one finished run and register it as a version; returns (run id, version)."""
        from mlflow.entities import Metric, Param

        client, metrics = self._client, _defined(challenger)
        tags = {"family": challenger.family, **_tags(challenger)}
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
        if found is not None:
            return str(found.experiment_id)
        # A database alone would put artifacts into the current folder; a server knows its own place.
        location = None if tracking_uri.startswith("http") else artifacts.resolve().as_uri()
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=location, tags=_KIND))

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


def _defined(challenger: Challenger) -> dict[str, float]:
    """The metrics that exist on this data, those of the baseline with a prefix, and the gain with its interval."""
    verdict = challenger.verdict
    baseline = {f"baseline_{name}": value for name, value in challenger.baseline_metrics.items()}
    gain = {"gain": verdict.gain, "gain_low": verdict.gain_low, "gain_high": verdict.gain_high}
    return {name: value for name, value in (challenger.metrics | baseline | gain).items() if value is not None}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
