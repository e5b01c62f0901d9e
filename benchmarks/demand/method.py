"""Run one method of the demand benchmark at every origin, in its own process so that its memory can be measured.

    python -m benchmarks.demand.method DIR --method auto_ets [--series N] [--origins 3]

`benchmarks.demand` runs this for each method. The last line is one JSON object; seconds are those of fitting and
forecasting.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.demand.data import LEVELS, MINIMUM_SALES, ORIGINS, DemandData, Method, read_folder
from benchmarks.demand.scores import Judge, averaged
from contracts.errors import InputError, ShopkeeperError

OURS: Final = "ours"
SEED: Final = 7
SUMMARY: Final = ("wape", "wape_mean", "pinball", "coverage_80_tied")
# Module and function of each, so that a process loads no other method's library. The fast ones first.
METHODS: Final = {
    "zero": ("benchmarks.demand.plain", "zero"),
    "own_recent": ("benchmarks.demand.plain", "own_recent"),
    "last_like_days": ("benchmarks.demand.plain", "last_like_days"),
    "seasonal_naive": ("benchmarks.demand.statsforecast", "seasonal_naive"),
    "croston_sba": ("benchmarks.demand.statsforecast", "croston_sba"),
    "tsb": ("benchmarks.demand.statsforecast", "tsb"),
    "mlforecast_lightgbm": ("benchmarks.demand.mlforecast", "lightgbm"),
    "auto_ets": ("benchmarks.demand.statsforecast", "auto_ets"),
    "auto_theta": ("benchmarks.demand.statsforecast", "auto_theta"),
    OURS: ("benchmarks.demand.ours", "ours"),
}


def main() -> None:
    """Read, forecast, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument(
        "--origins", type=int, default=ORIGINS, choices=range(1, ORIGINS + 1), help="number of last horizons"
    )
    add_data_options(parser)
    options = parser.parse_args()
    try:
        data = read_folder(options.folder, options.horizon, options.minimum_sales).sampled(options.series)
        print(json.dumps(judged(data, load(options.method), options.threads, options.origins, options.method)))
    except ShopkeeperError as error:
        raise SystemExit(str(error)) from error


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the data and the number of threads."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="with series.parquet and meta.json, or with invoices")
    parser.add_argument("--horizon", type=int, metavar="N", help="instead of the folder's own")
    parser.add_argument("--minimum-sales", type=int, default=MINIMUM_SALES, metavar="N", help="of items in invoices")
    parser.add_argument("--series", type=int, metavar="N", help="a sample of so many series")
    parser.add_argument("--threads", type=int, default=2)


def load(name: str) -> Method:
    """The method. Raises InputError where its library is not installed."""
    module, function = METHODS[name]
    try:
        method: Method = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise InputError(f"{name} needs {error.name}; install the project's dev extra, or leave it out.") from error
    return method


def judged(data: DemandData, method: Method, threads: int, origins: int, name: str) -> dict[str, Any]:
    """A method's metrics, averaged over the origins, and those of each origin."""
    found: list[dict[str, Any]] = []
    scored: list[dict[str, Any]] = []
    for origin in data.origins(origins):
        started = time.monotonic()
        answer = method(origin, SEED, threads)
        took = time.monotonic() - started
        shape = origin.actual.shape
        assert answer.mean.shape == shape, f"{name} gave {answer.mean.shape} for {shape}"
        assert answer.quantiles.shape == (*shape, len(LEVELS)), f"{name} gave {answer.quantiles.shape} for {shape}"
        scores = Judge.of(origin).scores(answer)
        scored.append(scores)
        found.append({"from": origin.begins, "seconds": took} | scores)
        summary = ", ".join(f"{metric} {scores[metric]}" for metric in SUMMARY)
        print(f"{origin.begins} {name}: {summary}, {took:.1f} s", file=sys.stderr, flush=True)
    return averaged(scored) | {"seconds": sum(each["seconds"] for each in found), "origins": found}


if __name__ == "__main__":
    main()
