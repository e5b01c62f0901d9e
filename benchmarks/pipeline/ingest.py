"""Ingest alone: events per second, time per step and peak memory, on a simulated store.

    python -m benchmarks.pipeline.ingest --events 1000000 --home var/bench-ingest

The last line is one JSON object. `--home` is emptied first. The memory of the largest process and of a worker process
are given apart; at most as many workers run as there are threads in the settings.
"""

import argparse
import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.home import emptied
from contracts.settings import Settings, load_settings
from pipelines.ingest.ingest import ingest
from pipelines.simulate.simulation import parameters_for, simulate
from shopkeeper.display.progress import steps


def main() -> None:
    """Simulate, ingest, ingest again, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="about how many events to simulate")
    parser.add_argument(
        "--home", type=Path, default=Path("var/bench-ingest"), help="an empty folder, or this benchmark's"
    )
    options = parser.parse_args()
    home = emptied(options.home)
    with steps() as progress:
        simulated = simulate(parameters_for(options.events), home / "simulated", progress=progress)
    print(json.dumps(run(home, simulated.events_path, simulated.catalogue_path)))


def run(home: Path, events: Path, catalogue: Path) -> dict[str, Any]:
    """The figures of a first ingest of the files, and of a second one, which finds repeats only."""
    return measured(load_settings(home=home), [events], catalogue)


def measured(settings: Settings, files: Sequence[Path], catalogue: Path | None) -> dict[str, Any]:
    """The same figures in a store with those settings."""
    figures: dict[str, Any] = {"threads": settings.threads}
    for name in ("first", "again"):
        started, processor = time.monotonic(), _cpu_seconds()
        with steps() as progress:
            total = ingest(settings, files, catalogue=catalogue, progress=progress).total
        seconds = time.monotonic() - started
        figures[name] = {
            **total.as_dict(),
            "seconds": round(seconds, 1),
            "cpu_seconds": round(_cpu_seconds() - processor, 1),
            "events_per_second": round(total.received / seconds),
            "steps": progress.seconds,
            "peak_mib": _peak_mib(resource.RUSAGE_SELF),
            "worker_peak_mib": _peak_mib(resource.RUSAGE_CHILDREN),
        }
    return figures


def _cpu_seconds() -> float:
    """Of this process and of the workers that have ended: less disturbed by other work than the time that passes."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_mib(who: int) -> int:
    return round(resource.getrusage(who).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
