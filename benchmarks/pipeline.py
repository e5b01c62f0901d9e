"""Events to published bundle: time and memory of each step, run as the commands that a user runs.

    python -m benchmarks.pipeline --events 1000000 --home var/bench

The last line is one JSON object. `--home` is emptied first.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.process import Measured, measure

STEPS = ("simulate", "ingest", "train", "publish")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="about how many events to simulate")
    parser.add_argument(
        "--home", type=Path, default=Path("var/bench"), help="an empty folder, or one of this benchmark"
    )
    options = parser.parse_args()
    home: Path = options.home.resolve()
    _empty(home)
    print(json.dumps(run(options.events, home)))


def run(events: int, home: Path) -> dict[str, Any]:
    """Simulate, ingest, train and publish; the figures per step and as a whole (without the simulation)."""
    environment = {"SHOPKEEPER_HOME": str(home)}
    out = home / "simulated"
    commands = {
        "simulate": ["simulate", "--events", str(events), "--out", str(out)],
        "ingest": ["ingest", str(out / "events.jsonl"), "--catalogue", str(out / "catalogue.csv")],
        "train": ["train"],
        "publish": ["publish"],
    }
    measured = {step: measure(["shopkeeper", *commands[step], "--json"], environment) for step in STEPS}
    results = {step: json.loads(done.stdout) for step, done in measured.items()}
    received = results["ingest"]["received"]
    for step, done in measured.items():
        print(f"{step:10} {done.seconds:8.1f} s  {done.peak_mib:8.0f} MiB  {_inner(results[step])}", flush=True)
    from_events = {step: measured[step] for step in STEPS[1:]}
    return {
        "events": received,
        "events_to_bundle_seconds": round(sum(done.seconds for done in from_events.values()), 1),
        "peak_mib": round(max(done.peak_mib for done in from_events.values())),
        "simulate_events_per_second": round(received / measured["simulate"].seconds),
        "ingest_events_per_second": round(received / measured["ingest"].seconds),
        "steps": {step: _figures(done, results[step]) for step, done in measured.items()},
        "families": {row["family"]: row.get("gate") or row["skipped"] for row in results["train"]["families"]},
    }


def _figures(done: Measured, result: dict[str, Any]) -> dict[str, Any]:
    return {
        "seconds": round(done.seconds, 1),
        "peak_mib": round(done.peak_mib),
        "inner_seconds": result.get("seconds", {}),
    }


def _inner(result: dict[str, Any]) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in result.get("seconds", {}).items())


def _empty(home: Path) -> None:
    marker = home / ".benchmark"
    if home.exists() and any(home.iterdir()) and not marker.exists():
        raise SystemExit(f"{home} is not empty and not a folder of this benchmark; name another with --home.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    marker.touch()


if __name__ == "__main__":
    main()
