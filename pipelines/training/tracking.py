"""Every training run in MLflow: parameters, data window, metrics, registered version, and the alias `champion`.

The only module that imports mlflow, and only when it is used: the import takes seconds.
"""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

EXPERIMENT: Final = "shopkeeper"
CHAMPION: Final = "champion"
# Its pages open on the runs of models; without the tag they look for the traces of chat bots.
_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
_MAX_PARAMETER_CHARS: Final = 6000  # MLflow's own limit


class Tracker:
    """Writes runs and registered versions to one MLflow tracking store."""

    def __init__(self, tracking_uri: str, artifacts: Path) -> None:
        # MLflow reports usage to its makers unless told not to; a shop's software does not phone home.
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

    def record(
        self,
        family: str,
        *,
        parameters: Mapping[str, Any],
        tags: Mapping[str, str],
        metrics: Mapping[str, float | None],
        baseline_metrics: Mapping[str, float | None],
        details: Mapping[str, Any],
        started_at: datetime,
    ) -> tuple[str, str]:
        """Write one finished run and register it as a version; returns (run id, version)."""
        from mlflow.entities import Metric, Param

        client = self._client
        run = client.create_run(
            self._experiment_id, run_name=family, start_time=_milliseconds(started_at), tags={"family": family, **tags}
        )
        run_id: str = run.info.run_id
        at = _milliseconds(datetime.now(UTC))
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, at, 0) for name, value in _defined(metrics, baseline_metrics).items()],
            params=[Param(name, str(value)[:_MAX_PARAMETER_CHARS]) for name, value in parameters.items()],
        )
        client.log_dict(run_id, {"details": dict(details)}, "details.json")
        client.set_terminated(run_id)
        version = client.create_model_version(self._registered(family), source=run.info.artifact_uri, run_id=run_id)
        return run_id, str(version.version)

    def crown(self, family: str, version: str) -> None:
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


def _defined(metrics: Mapping[str, float | None], baseline: Mapping[str, float | None]) -> dict[str, float]:
    named = {**metrics, **{f"baseline_{name}": value for name, value in baseline.items()}}
    return {name: value for name, value in named.items() if value is not None}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
