"""Uplift: the effect of contacting customers, on a published randomised experiment with e-mails.

    python -m benchmarks.uplift FILE [--case women/visit ...] [--seeds 10]

FILE is a Parquet file, or a folder with one, that has a row per customer: recency, history, mens, womens, newbie
(numbers), zip_code, channel (text), segment ("Womens E-Mail", "Mens E-Mail", "No E-Mail"), and the outcomes visit and
conversion (0 or 1). Each case is split 70/30, stratified by arm and outcome, once per seed. Everything is chosen by
cross-fitting within the 70 %; the 30 % are only scored. The last line is one JSON object: per case and method, the
mean and the standard deviation over the seeds of Qini and of the uplift among the 30 % who score highest; which method
was chosen how often; and, in below_response_only, every case in which the mean Qini of ours is below that of
response-only.
"""

import argparse
import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from models.protocol import FitContext
from models.uplift.experiment import ExperimentData
from models.uplift.meta_learners import RESPONSE_MODEL, SCORES
from models.uplift.model import UpliftParameters, choose, cross_fit
from models.uplift.qini import qini, uplift_at

NUMBERS: Final = ["recency", "history", "mens", "womens", "newbie"]
TEXTS: Final = ["zip_code", "channel"]
CONTROL: Final = "No E-Mail"
ARMS: Final = {"women": ["Womens E-Mail"], "men": ["Mens E-Mail"], "both": ["Womens E-Mail", "Mens E-Mail"]}
OUTCOMES: Final = ("visit", "conversion")
CASES: Final = [f"{arm}/{outcome}" for outcome in OUTCOMES for arm in ARMS]
TEST_SHARE: Final = 0.3
OURS: Final = "ours"
RANDOM: Final = "random"
PARAMETERS: Final = UpliftParameters()


def main() -> None:
    """Split, cross-fit, choose, score, print."""
    started = time.monotonic()
    options = _options()
    customers = pd.read_parquet(_file(options.given or options.file))
    cases = {case: _measured(experiment_of(customers, case), case, options) for case in options.cases or CASES}
    report = {
        "cases": {case: summary for case, (summary, _) in cases.items()},
        "chosen": {case: chosen for case, (_, chosen) in cases.items()},
        "below_response_only": [
            case for case, (summary, _) in cases.items() if summary[OURS]["qini"] < summary[RESPONSE_MODEL]["qini"]
        ],
        "seeds": options.seeds,
        "seconds": round(time.monotonic() - started, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    print(json.dumps(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("given", type=Path, nargs="?", metavar="FILE", help="the experiment")
    parser.add_argument("--file", type=Path, help="the same")
    parser.add_argument("--case", dest="cases", action="append", choices=CASES, help="repeatable; default: all")
    parser.add_argument("--seeds", type=int, default=10, help="splits, numbered from 0")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if (options.given or options.file) is None:
        parser.error("give the Parquet file of the experiment, or a folder with one: python -m benchmarks.uplift FILE")
    return options


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.glob("**/*.parquet"))
    if len(files) != 1:
        raise SystemExit(f"{path} holds {len(files)} Parquet files; give the one of the experiment.")
    return files[0]


def experiment_of(customers: pd.DataFrame, case: str) -> ExperimentData:
    """The customers of the case's arms and of the control, with the case's outcome."""
    arm, outcome = case.split("/")
    rows = customers[customers["segment"].isin([*ARMS[arm], CONTROL])]
    features = pd.concat([rows[NUMBERS], pd.get_dummies(rows[TEXTS])], axis=1)
    return ExperimentData(
        features=features.to_numpy(np.float64),
        treated=(rows["segment"] != CONTROL).to_numpy(np.int64),
        outcome=rows[outcome].to_numpy(np.int64),
        weight=np.ones(len(rows)),
        customers=np.arange(len(rows)),
    )


def _measured(
    experiment: ExperimentData, case: str, options: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, int]]:
    """Per method the metrics over the seeds, and how often each was chosen."""
    by_seed, chosen = [], Counter[str]()
    for seed in range(options.seeds):
        print(f"{case}: split {seed + 1} of {options.seeds}", file=sys.stderr)
        metrics, method = _one_split(experiment, seed, options.threads)
        by_seed.append(metrics)
        chosen[method] += 1
    methods = {method: over_seeds([metrics[method] for metrics in by_seed]) for method in by_seed[0]}
    return methods, dict(chosen)


def _one_split(experiment: ExperimentData, seed: int, threads: int) -> tuple[dict[str, tuple[float, float]], str]:
    stratum = 2 * experiment.treated + experiment.outcome
    rows = np.arange(len(stratum))
    training_rows, test_rows = train_test_split(rows, test_size=TEST_SHARE, random_state=seed, stratify=stratum)
    training, test = experiment.subset(training_rows), experiment.subset(test_rows)
    crossed = cross_fit(training, training.folds(PARAMETERS.folds, seed), PARAMETERS, FitContext(seed, threads))
    choice = choose(training, crossed.ranks, PARAMETERS, seed)
    scores = {method: crossed.score(method, test.features, threads) for method in SCORES}
    scores = {OURS: scores[choice.method], **scores, RANDOM: np.random.default_rng(seed).random(len(test_rows))}
    return {method: _metrics(test, score) for method, score in scores.items()}, choice.method


def _metrics(test: ExperimentData, score: np.ndarray) -> tuple[float, float]:
    values = qini(test.outcome, test.treated, score), uplift_at(test.outcome, test.treated, score)
    return values[0] or 0.0, values[1] or 0.0


def over_seeds(seeds: list[tuple[float, float]]) -> dict[str, float]:
    """Means and standard deviations over the seeds of (Qini, uplift at 30 %)."""
    mean, spread = np.mean(seeds, axis=0), np.std(seeds, axis=0, ddof=min(1, len(seeds) - 1))
    return {
        "qini": round(float(mean[0]), 4),
        "qini_sd": round(float(spread[0]), 4),
        "uplift_at_30": round(float(mean[1]), 4),
        "uplift_at_30_sd": round(float(spread[1]), 4),
    }


if __name__ == "__main__":
    main()
