"""The demo's training in two processes: one trains the family recommend, the other all other families.

On a new machine the recommender's kernels are compiled first, which takes as long as training all the other families.
Each process has one thread, so that each has a core.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from contracts.errors import StorageError
from contracts.progress import Progress
from contracts.settings import Settings

if TYPE_CHECKING:  # imported where it is used: `--help` should not wait for the models
    from pipelines.training.train import Outcome

SEPARATE: Final = "recommend"  # the family that a process of its own trains
STOP_SECONDS: Final = 15


class Trained(NamedTuple):
    """The results of the families."""

    output: str  # what `shopkeeper train` printed of the separate family
    outcomes: list["Outcome"]  # of the others


def train_in_two(settings: Settings, progress: Progress) -> Trained:
    """Train every family; raises StorageError where the other process fails."""
    from pipelines.families.registry import FAMILIES
    from pipelines.training.tracking import Tracker
    from pipelines.training.train import train

    progress("open MLflow's store")
    Tracker(
        settings.mlflow_url, settings.home.resolve() / "mlartifacts"
    )  # created once, before both processes write to it
    with _separate_process(settings) as (process, output, log):
        outcomes = train(
            settings.model_copy(update={"threads": 1}),
            [name for name in FAMILIES if name != SEPARATE],
            progress=progress,
        )
        progress(f"{SEPARATE}: wait for its process")
        if process.wait():
            raise StorageError(f"training {SEPARATE} failed; {log} says why.")
    return Trained(output.read_text(), outcomes)


@contextmanager
def _separate_process(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", Path, Path]]:
    """The process that trains the separate family, the file of its output and its log; it ends with the block."""
    output, log = (settings.home / f"train-{SEPARATE}.{suffix}" for suffix in ("txt", "log"))
    environment = os.environ | {"SHOPKEEPER_HOME": str(settings.home), "SHOPKEEPER_THREADS": "1"}
    with output.open("w") as printed, log.open("w") as logged:
        command = [sys.executable, "-m", "shopkeeper", "train", SEPARATE]
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=logged)
        try:
            yield process, output, log
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
