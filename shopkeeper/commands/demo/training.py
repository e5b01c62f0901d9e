"""The demo's training, in two processes: one recommends, and meanwhile the other does everything else.

To recommend is to compile first, on a machine that has never done so, and takes as long as all the other families; each
process has one thread, so that they leave each other a core.
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

APART: Final = "recommend"  # the family with a process of its own
STOP_SECONDS: Final = 15


class Trained(NamedTuple):
    """What became of the families."""

    told: str  # of the one that was trained apart, in the words of `shopkeeper train`
    outcomes: list["Outcome"]  # of the others


def train_in_two(settings: Settings, progress: Progress) -> Trained:
    """Train every family; raises StorageError where the other process fails."""
    from pipelines.families.registry import FAMILIES
    from pipelines.training.tracking import Tracker
    from pipelines.training.train import train

    progress("open MLflow's store")
    Tracker(settings.mlflow_url, settings.home.resolve() / "mlartifacts")  # made by one, before both write to it
    with _trained_apart(settings) as (process, output, log):
        outcomes = train(
            settings.model_copy(update={"threads": 1}), [name for name in FAMILIES if name != APART], progress=progress
        )
        progress(f"{APART}: in a process of its own")
        if process.wait():
            raise StorageError(f"training {APART} failed; {log} says why.")
    return Trained(output.read_text(), outcomes)


@contextmanager
def _trained_apart(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", Path, Path]]:
    """The process that trains the family, what it prints, and its log; it ends with the block."""
    output, log = (settings.home / f"train-{APART}.{suffix}" for suffix in ("txt", "log"))
    environment = os.environ | {"SHOPKEEPER_HOME": str(settings.home), "SHOPKEEPER_THREADS": "1"}
    with output.open("w") as printed, log.open("w") as logged:
        command = [sys.executable, "-m", "shopkeeper", "train", APART]
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=logged)
        try:
            yield process, output, log
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
