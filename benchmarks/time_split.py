"""A store's own file, split by time: ours beside popular, personal frequency, ALS and item neighbours, in one run.

    python -m benchmarks.time_split --file online_retail.parquet --mapping online_retail --home var/bench-split
    python -m benchmarks.time_split --file events.jsonl.gz --home var/bench-split --windows 1

The file is ingested as a user would. Then the last windows, back to back, are each predicted from what was known at
their first instant, as the recommend family's backtest does: for every customer who bought inside (next_period), and
for times inside sessions (next_item). Ours answers through recommend(), at the example's time. Everything is fitted
anew for each window, ours with its default parameters; the examples of all windows count together. Repeat targets are
items that the customer had before, explore targets the others. `ours_minus` holds, against each baseline, the mean
difference and its 95 % interval (paired bootstrap of customers, who have several examples). The last line is one JSON
object. `--home` is emptied first.
"""

import argparse
import json
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness.home import emptied
from benchmarks.harness.process import measure
from benchmarks.recommendations.asking import asked
from benchmarks.recommendations.baselines import Baselines, Entries, Lists
from contracts.errors import NotEnoughData
from contracts.progress import Progress
from contracts.settings import load_settings
from models.statistics.paired_bootstrap import PairedCases, difference
from pipelines.families.family import TrainingData
from pipelines.families.recommend.family import fit_to_past
from pipelines.families.recommend.interactions import InteractionRows, first_interaction, read_interactions, read_items
from pipelines.training.train import default_as_of
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.vocabulary import Vocabulary
from recsys.kernels.pair_counts import find
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender, utc_seconds
from recsys.training.evaluation import metric_values
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import RankedLists, mean
from recsys.training.time_split import Window, last_window, target_kind, windows_back

OURS: Final = "ours"
EXAMPLES: Final = ("next_period", "next_item")


def main() -> None:
    """Ingest, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="a file of events")
    parser.add_argument("--mapping", help="how the file's columns become events; without it: JSON lines")
    parser.add_argument("--windows", type=int, default=3, help="how many windows are evaluated (default: 3)")
    parser.add_argument(
        "--home", type=Path, default=Path("var/bench-split"), help="an empty folder, or one of a benchmark"
    )
    options = parser.parse_args()
    home, progress = emptied(options.home), _progress()
    progress("ingest")
    mapping = ["--mapping", options.mapping] if options.mapping else []
    ingest = ["shopkeeper", "ingest", str(options.file.resolve()), *mapping, "--json"]
    received = json.loads(measure(ingest, {"SHOPKEEPER_HOME": str(home)}).stdout)["received"]
    settings = load_settings(home=home)
    warehouse = open_warehouse(settings)
    data = TrainingData(
        events=views.lines(warehouse),
        consent_statements=warehouse.table("words"),
        catalogue=views.catalogue(warehouse),
        described_items=views.described_items(warehouse),
        as_of=default_as_of(warehouse),
        parameters=RecommendParameters(),
        seed=settings.seed,
        threads=settings.threads,
        progress=progress,
    )
    with threadpool_limits(settings.threads):
        print(json.dumps({"received": received} | evaluated(data, options.windows)))


def evaluated(data: TrainingData, windows: int) -> dict[str, Any]:
    """The benchmark's line. Raises NotEnoughData where too few customers bought in any window."""
    data.progress("interactions")
    as_of = utc_seconds(data.as_of)
    first = first_interaction(data.events, as_of)
    last = last_window(first, as_of, data.parameters.test_window_days)
    trials = []
    for window in windows_back(last, first, windows):
        data.progress(f"window from {_day(window.start)}: interactions")
        start, stop = (datetime.fromtimestamp(seconds, UTC) for seconds in (window.start, window.stop))
        rows = read_interactions(data.events_since(start, stop), stop)
        rows_before = read_interactions(data.events_at(start), start)
        trial = _trial(data, read_items(data.catalogue_at(start)), window, rows, rows_before)
        trials += [trial] if trial else []
    if not trials:
        raise NotEnoughData(f"fewer than {data.parameters.minimum_cases} customers bought in each of the windows.")
    data.progress("intervals")
    return {
        "windows": [trial.facts for trial in trials],
        **{name: _pooled([trial.outcomes[name] for trial in trials], data.seed) for name in EXAMPLES},
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


@dataclass(frozen=True)
class Outcome:
    """The metrics of one window's next-period or next-item examples.

    `values` are per method and metric (examples,), NaN where not defined; `customers` (examples,) are ids; `seen`
    (targets,) bool: which targets the customer had before; `retrieved` are per source (targets,) bool.
    """

    values: dict[str, dict[str, np.ndarray]]
    customers: np.ndarray
    has_history: np.ndarray
    seen: np.ndarray
    retrieved: dict[str, np.ndarray]


@dataclass(frozen=True)
class Trial:
    """One window: facts about it, and the outcome of each kind of example."""

    facts: dict[str, Any]
    outcomes: dict[str, Outcome]


def _trial(
    data: TrainingData, items: Items, window: Window, rows: InteractionRows, rows_before: InteractionRows
) -> Trial | None:
    """Fit on what was known at the window's start, predict what came in it; None where too few bought in it."""
    customers = Vocabulary.of([*rows.customer_ids, *rows_before.customer_ids])
    everything, past = rows.interactions(customers, items), rows_before.interactions(customers, items)
    p: RecommendParameters = data.parameters
    kind = target_kind(everything, window, p.minimum_cases)
    if kind is None:
        return None
    recommender = fit_to_past(data, past, items, window.start)
    data.progress("baselines")
    validation = last_window(int(past.times.min()), window.start, p.test_window_days)
    earlier = Examples.next_period(past, validation, kind)
    earlier = earlier.where(earlier.has_history).sampled(p.evaluated_cases, data.seed)
    popular = recommender.retriever.popularity.order.astype(np.int64)
    baselines = Baselines.fit(past, window, earlier, popular, data.seed, data.threads)
    known = past.joined(everything.between(window.start, window.stop))
    found = (Examples.next_period(known, window, kind), Examples.next_item(known, window, kind, data.seed))
    sampled = (examples.sampled(p.evaluated_cases, data.seed) for examples in found)
    examples_of = dict(zip(EXAMPLES, sampled, strict=True))
    data.progress("evaluation")
    return Trial(
        facts={
            "start": _day(window.start),
            "stop": _day(window.stop),
            "target_kind": KINDS[kind],
            "known_interactions": len(past),
            **{name: len(examples) for name, examples in examples_of.items()},
            **recommender.ranker_facts,
            "als": baselines.settings,
        },
        outcomes={name: _outcome(recommender, baselines, examples) for name, examples in examples_of.items()},
    )


def _outcome(recommender: Recommender, baselines: Baselines, examples: Examples) -> Outcome:
    ours, keys, size = asked(recommender, examples), examples.target_keys, examples.interactions.item_count
    lists: Lists = {OURS: ours.lists} | baselines.lists(examples)
    seen = find(Entries.of_history(examples).pairs.keys, keys) >= 0  # in the whole history, not only its latest part
    values = {name: metric_values(RankedLists(shown, keys, size), seen) for name, shown in lists.items()}
    ids = np.array([examples.interactions.customers.value(row) for row in examples.customers.tolist()])
    return Outcome(values, ids, examples.has_history, seen, ours.retrieved)


def _pooled(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """All windows' examples together; a method that some window lacks is left out."""
    methods = [name for name in outcomes[0].values if all(name in outcome.values for outcome in outcomes)]
    values = {
        method: {
            metric: np.concatenate([outcome.values[method][metric] for outcome in outcomes])
            for metric in outcomes[0].values[method]
        }
        for method in methods
    }
    seen = np.concatenate([outcome.seen for outcome in outcomes])
    has_history = np.concatenate([outcome.has_history for outcome in outcomes])
    _, customer = np.unique(np.concatenate([outcome.customers for outcome in outcomes]), return_inverse=True)
    return {
        "cases": len(has_history),
        "cases_with_history": int(has_history.sum()),
        "targets": len(seen),
        "repeat_target_share": _rounded(mean(seen.astype(float))),
        "metrics": {
            method: {metric: _rounded(mean(found)) for metric, found in of_method.items()}
            for method, of_method in values.items()
        },
        "ours_minus": {
            method: {
                metric: _difference(customer, values[OURS][metric], found, seed) for metric, found in of_method.items()
            }
            for method, of_method in values.items()
            if method != OURS
        },
        "candidate_recall": {
            source: _rounded(mean(np.concatenate([outcome.retrieved[source] for outcome in outcomes]).astype(float)))
            for source in outcomes[0].retrieved
        },
    }


def _difference(customer: np.ndarray, ours: np.ndarray, other: np.ndarray, seed: int) -> dict[str, Any] | None:
    """Customers are resampled with all their examples, since those of one customer are alike."""
    is_defined = ~np.isnan(ours)
    found = difference(PairedCases(customer[is_defined], ours[is_defined], other[is_defined]), seed)
    if found is None:
        return None
    return {"mean": _rounded(found.value), "interval_95": [_rounded(found.low), _rounded(found.high)]}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _progress() -> Progress:
    started = time.monotonic()

    def said(step: str, done: float | None = None, total: float | None = None) -> None:
        if done is None:
            print(f"{time.monotonic() - started:7.1f} s  {step}", flush=True)

    return said


if __name__ == "__main__":
    main()
