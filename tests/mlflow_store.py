"""A new MLflow store in milliseconds: MLflow's migrations of an empty database take seconds, so they run once."""

import logging
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


def with_mlflow_store(home: Path) -> Path:
    """The home, with the database of an MLflow store in which there is nothing yet."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_migrated(), home / "mlflow.db")
    return home


@cache
def _migrated() -> Path:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it logs each migration

    database = Path(tempfile.mkdtemp(prefix="mlflow-")) / "mlflow.db"
    MlflowClient(f"sqlite:///{database}")
    return database
