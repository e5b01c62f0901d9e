"""Compare our demand forecast with the defaults of maintained forecasting libraries, in one run.

    python -m benchmarks.demand DIR [--methods ours,auto_ets] [--series N] [--threads 2] [--scale]
    python -m benchmarks.demand DIR --without each [--windows 3] [--series N]

DIR holds series.parquet (series_id, date, units and covariates), meta.json (frequency, horizon, known_future,
score_only_where) and optionally attributes.parquet. Or it holds one Parquet file of invoice lines, which become daily
series of the items that had been sold --minimum-sales times. Every method forecasts the last three horizons in its own
process, each from what was known on its first day. The last line is one JSON object: the metrics of each method,
averaged over the origins (coverage: over their cells), also by class of demand and by origin. Series that never sold
before an origin count only in the metrics of their own class, all_zero.

Medians are scored by WAPE and RMSPE, means by RMSSE and wape_mean; a library's point forecast serves as both.
`share_below_best` is how far ours is below the best other. `seconds` count fitting and forecasting at all three
origins; `peak_mib` is the peak memory of the method's process. --scale also forecasts the last origin for N, 3 N and
10 N series; N is --series or a tenth of all.

--without leaves parts out of our forecast, one at a time, on tuning windows before the three test windows: see
`benchmarks.demand.ablation`. Nothing else runs then. The last line has each ablation's losses as ratios to those of the
full engine, and the coverage of its bands.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from typing import Any, Final

from benchmarks.demand.ablation import EACH, ablation, parse_parts
from benchmarks.demand.data import ORIGINS, DemandData, read_folder
from benchmarks.demand.method import METHODS, OURS, add_data_options
from benchmarks.harness.process import measure
from contracts.errors import InputError, ShopkeeperError
from models.demand.model import PARTS
from models.demand.panel import CLASSES

COMPARED: Final = ("wape", "wape_mean", "rmsse", "pinball")
DIGITS: Final = 4
SCALES: Final = (1, 3, 10)


def main() -> None:
    """Run each method, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_options(parser)
    parser.add_argument("--methods", default=",".join(METHODS), help=f"of {', '.join(METHODS)}")
    parser.add_argument("--scale", action="store_true", help="how our time grows with the number of series")
    parser.add_argument(
        "--without", metavar="PART", help=f"parts, comma-separated, or {EACH}; a+b leaves out both: {', '.join(PARTS)}"
    )
    parser.add_argument("--windows", type=int, default=ORIGINS, help="tuning windows for --without")
    options = parser.parse_args()
    if options.without:
        print(json.dumps(rounded(without(options))))
        return
    try:
        names = chosen_methods(options.methods)
        data = read_folder(options.folder, options.horizon, options.minimum_sales)
        report = {"data": described(data.sampled(options.series))}
    except ShopkeeperError as error:
        raise SystemExit(str(error)) from error
    total = data.read.panel.series
    del data
    found = {name: run(options, name, ["--series", str(options.series)] if options.series else []) for name in names}
    report |= {"methods": found, "share_below_best": share_below_best(found)}
    if options.scale:
        report["scale"] = scaled(options, options.series or max(total // SCALES[-1], 1))
    print(json.dumps(rounded(report)))
    if any("error" in of for of in found.values()):
        raise SystemExit(1)


def without(options: argparse.Namespace) -> dict[str, Any]:
    """The report of --without."""
    try:
        names = parse_parts(options.without)
        data = read_folder(options.folder, options.horizon, options.minimum_sales).sampled(options.series)
        found = ablation(data, names, options.windows, options.threads)
    except ShopkeeperError as error:
        raise SystemExit(str(error)) from error
    return {"series": data.read.panel.series, "windows": options.windows, "without": found}


def chosen_methods(text: str) -> list[str]:
    """The methods that a comma-separated list names, in METHODS' order. Raises InputError."""
    wanted = {name.strip() for name in text.split(",")}
    if unknown := sorted(wanted - set(METHODS)):
        raise InputError(f"--methods names {', '.join(unknown)}; there are {', '.join(METHODS)}.")
    return [name for name in METHODS if name in wanted]


def described(data: DemandData) -> dict[str, Any]:
    """The size of the data, the repairs, and the number of series of each class at each origin."""
    panel = data.read.panel
    classes = {
        origin.begins: {name: int((origin.demand_class == code).sum()) for code, name in enumerate(CLASSES)}
        for origin in data.origins()
    }
    return {
        "series": panel.series,
        "periods": panel.periods,
        "frequency": panel.frequency.name,
        "horizon": data.horizon,
        "known_future": list(panel.future),
        "repairs": list(data.read.repairs),
        "classes": classes,
    }


def run(options: argparse.Namespace, name: str, further: list[str]) -> dict[str, Any]:
    """The report of one method, run in its own process; only `error` where it failed, so that the others go on."""
    arguments = ["benchmarks.demand.method", str(options.folder), "--method", name, "--threads", str(options.threads)]
    arguments += ["--minimum-sales", str(options.minimum_sales), *further]
    arguments += ["--horizon", str(options.horizon)] if options.horizon else []
    # --threads sets the libraries' own threads; this limits those of linear algebra.
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), os.environ.get("OMP_NUM_THREADS", str(options.threads))
    )
    try:
        measured = measure(arguments, threads)
    except subprocess.CalledProcessError as error:
        print(f"{name} failed with exit code {error.returncode}.", file=sys.stderr, flush=True)
        return {"error": f"exit code {error.returncode}"}
    report: dict[str, Any] = json.loads(measured.stdout.splitlines()[-1])
    return report | {"peak_mib": round(measured.peak_mib), "seconds_with_reading": measured.seconds}


def share_below_best(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """For each of COMPARED, how far ours is below the best other, as a share of that; empty without ours."""
    ours, shares = found.get(OURS, {}), {}
    for metric in COMPARED:
        others = {name: of[metric] for name, of in found.items() if name != OURS and of.get(metric) is not None}
        if others and ours.get(metric) is not None:
            best = min(others, key=lambda name: others[name])
            shares[metric] = {"share": 1 - ours[metric] / others[best], "best": best, "of_best": others[best]}
    return shares


def scaled(options: argparse.Namespace, series: int) -> dict[str, Any]:
    """Seconds and memory of ours for growing numbers of series at one origin.

    `growth` is the exponent of the seconds from the smallest to the largest: 1 is linear.
    """
    sizes = [series * factor for factor in SCALES]
    runs = [run(options, OURS, ["--series", str(size), "--origins", "1"]) for size in sizes]
    steps = [
        {"series": size, "seconds": found.get("seconds"), "peak_mib": found.get("peak_mib")}
        for size, found in zip(sizes, runs, strict=True)
    ]
    first, last = steps[0]["seconds"], steps[-1]["seconds"]
    growth = math.log(last / first) / math.log(SCALES[-1]) if first and last else None
    return {"steps": steps, "growth": growth}


def rounded(value: Any) -> Any:
    """The report with its numbers rounded."""
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, DIGITS) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
