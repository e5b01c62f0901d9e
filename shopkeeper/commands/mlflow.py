"""`shopkeeper mlflow`: start MLflow's user interface on loopback."""

import importlib.util
import os
import subprocess
import sys
from typing import Annotated

import typer

from contracts.errors import SettingsError
from contracts.settings import load_settings
from shopkeeper.display.console import console
from shopkeeper.ports import require_free


def mlflow(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000) -> None:
    """Start MLflow's user interface on loopback, to compare runs by parameters, window and metrics.

    Example: [bold]make mlflow[/] (installs MLflow's server, then runs this)
    """
    # The light client has the tracking API; only the full package has the server.
    if importlib.util.find_spec("mlflow.server") is None or importlib.util.find_spec("flask") is None:
        raise SettingsError("MLflow's server is not installed. Run `make mlflow`, or install the extra `mlflow-ui`.")
    from pipelines.training.tracking import Tracker

    settings = load_settings()
    if not settings.mlflow_url.startswith("sqlite:"):
        console.print(f"This store's runs are on the MLflow server {settings.mlflow_url}; open it there.")
        return
    require_free("127.0.0.1", port)
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Of the libraries that its server uses; Starlette's is of a category of its own.
        "PYTHONWARNINGS": "ignore::DeprecationWarning,ignore:starlette.middleware.wsgi is deprecated",
        # The job API has had an authorisation bypass (CVE-2026-0545); nothing here needs it.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    page = Tracker(settings.mlflow_url, settings.home.resolve() / "mlartifacts").runs_page
    console.print("MLflow (Ctrl-C ends it). Compare the runs on", highlight=False)
    console.print(f"http://127.0.0.1:{port}{page}", highlight=False, soft_wrap=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--uvicorn-opts", "--log-level warning"]  # else it prints a second address, and each request
    command += ["--backend-store-uri", settings.mlflow_url, "--registry-store-uri", settings.mlflow_url]
    command += ["--default-artifact-root", (settings.home.resolve() / "mlartifacts").as_uri()]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)
