"""Events to published bundle: time and memory of each step, run as the commands that a user runs.

    python -m benchmarks.pipeline --events 1000000 --home var/bench
    python -m benchmarks.pipeline --file online_retail.parquet --mapping online_retail --home var/bench

The last line is one JSON object. `--home` is emptied first.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.harness.home import emptied
from benchmarks.harness.process import Measured, measure

TRAIN_AND_PUBLISH = {"train": ["train"], "publish": ["publish"]}
COUNTS = ("received", "stored", "duplicate", "quarantined", "suppressed", "quarantined_by_code")
# Rates are those of the work itself; the seconds of a step include starting Python and importing libraries.
RATES = ("simulate", "ingest")
Commands = dict[str, list[str]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="about how many events to simulate")
    parser.add_argument("--file", type=Path, help="a file of events instead of simulated ones")
    parser.add_argument("--mapping", help="how the file's columns become events; without it: JSON lines")
    parser.add_argument(
        "--home", type=Path, default=Path("var/bench"), help="an empty folder, or one of this benchmark"
    )
    options = parser.parse_args()
    home = emptied(options.home)
    if options.file:
        commands = _of_file(options.file.resolve(), options.mapping)
    else:
        commands = _of_simulation(options.events, home / "simulated")
    print(json.dumps(run(commands, home)))


def run(commands: Commands, home: Path) -> dict[str, Any]:
    """Run the commands; the figures per step and from events to bundle (without the simulation)."""
    measured, results = {}, {}
    for step, command in commands.items():
        measured[step] = measure(["shopkeeper", *command, "--json"], {"SHOPKEEPER_HOME": str(home)})
        results[step] = json.loads(measured[step].stdout)
        print(_line(step, measured[step], results[step]), flush=True)
    from_events = [done for step, done in measured.items() if step != "simulate"]
    received = results["ingest"]["received"]
    return {
        "counts": {name: results["ingest"][name] for name in COUNTS},
        "events_to_bundle_seconds": round(sum(done.seconds for done in from_events), 1),
        "peak_mib": round(max(done.peak_mib for done in from_events)),
        "events_per_second": {
            step: round(received / sum(results[step]["seconds"].values())) for step in RATES if step in results
        },
        "steps": {step: _figures(done, results[step]) for step, done in measured.items()},
        "families": results["train"]["families"],
    }


def _of_simulation(events: int, folder: Path) -> Commands:
    return {
        "simulate": ["simulate", "--events", str(events), "--out", str(folder)],
        "ingest": ["ingest", str(folder / "events.jsonl"), "--catalogue", str(folder / "catalogue.csv")],
        **TRAIN_AND_PUBLISH,
    }


def _of_file(file: Path, mapping: str | None) -> Commands:
    return {"ingest": ["ingest", str(file), *(["--mapping", mapping] if mapping else [])], **TRAIN_AND_PUBLISH}


def _line(step: str, done: Measured, result: dict[str, Any]) -> str:
    inner = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result["seconds"].items())
    return f"{step:10} {done.seconds:8.1f} s  {done.peak_mib:8.0f} MiB  {inner}"


def _figures(done: Measured, result: dict[str, Any]) -> dict[str, Any]:
    return {
        "seconds": round(done.seconds, 1),
        "peak_mib": round(done.peak_mib),
        "inner_seconds": result["seconds"],
    }


if __name__ == "__main__":
    main()
