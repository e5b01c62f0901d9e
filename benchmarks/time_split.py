"""A store's own file, split by time: ours beside popular, personal frequency, ALS and item neighbours, in one run.

    python -m benchmarks.time_split --file online_retail.parquet --mapping online_retail --home var/bench-split
    python -m benchmarks.time_split --file events.jsonl.gz --home var/bench-split --windows 1

The file is ingested as a user would. Then the last windows, back to back, are each predicted from what was known at
their first instant, as the recommend family's backtest does: for every customer who bought inside (at_start), and for
moments inside visits (in_visits). Everything is fitted anew for each window, ours with its default parameters; the
cases of all windows count together. Repeat targets are items that the customer had before, explore targets the others.
`ours_minus` holds, against each baseline, the mean difference and its 95 % interval (bootstrap of cases, paired). The
last line is one JSON object. `--home` is emptied first.
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
from benchmarks.recommendations.baselines import Baselines, Entries, Lists
from contracts.errors import NotEnoughData
from contracts.progress import Progress
from contracts.settings import load_settings
from pipelines.families.family import TrainingData
from pipelines.families.recommend.interactions import InteractionRows, read_interactions, read_items
from pipelines.training.train import default_as_of
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.vocabulary import Vocabulary
from recsys.kernels.pair_counts import find
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender, utc_seconds
from recsys.training.evaluation import K
from recsys.training.examples import Cases
from recsys.training.ranking_metrics import Judged, bootstrap_interval, mean
from recsys.training.time_split import Window, last_window, target_kind, windows_back
from recsys.training.train import fit_recommender

OURS: Final = "ours"
PARTS: Final = ("", "repeat_", "explore_")


def main() -> None:
    """Ingest, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="a file of events")
    parser.add_argument("--mapping", help="how the file's columns become events; without it: JSON lines")
    parser.add_argument("--windows", type=int, default=3, help="how many windows are judged (default: 3)")
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
        events=views.events(warehouse),
        catalogue=views.catalogue(warehouse),
        as_of=default_as_of(warehouse),
        parameters=RecommendParameters(),
        seed=settings.seed,
        threads=settings.threads,
        progress=progress,
    )
    with threadpool_limits(settings.threads):
        print(json.dumps({"received": received} | judged(data, options.windows)))


def judged(data: TrainingData, windows: int) -> dict[str, Any]:
    """The benchmark's line. Raises NotEnoughData where too few customers bought in any window."""
    data.progress("interactions")
    items, as_of = read_items(data.catalogue), utc_seconds(data.as_of)
    rows = read_interactions(data.events, data.as_of)
    first = rows.first(as_of)
    last = last_window(first, as_of, data.parameters.test_window_days)
    trials = []
    for window in windows_back(last, first, windows):
        data.progress(f"window from {_day(window.start)}: interactions")
        rows_before = read_interactions(data.events, datetime.fromtimestamp(window.start, UTC))
        trial = _trial(data, items, window, rows, rows_before)
        trials += [trial] if trial else []
        rows = rows_before  # of the window before it, what was known at its end
    if not trials:
        raise NotEnoughData(f"fewer than {data.parameters.minimum_cases} customers bought in each of the windows.")
    data.progress("intervals")
    moments = {name: [trial.outcomes[name] for trial in trials] for name in ("at_start", "in_visits")}
    return {
        "windows": [trial.said for trial in trials],
        **{name: _pooled(found, data.seed) for name, found in moments.items()},
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


@dataclass(frozen=True)
class Outcome:
    """What came of the cases of one kind of moment in one window.

    `values` are per method and metric (cases,), NaN where not defined; `seen` (targets,) bool: which targets the
    customer had before; `retrieved` are per source (targets,) bool.
    """

    values: dict[str, dict[str, np.ndarray]]
    has_history: np.ndarray
    seen: np.ndarray
    retrieved: dict[str, np.ndarray]


@dataclass(frozen=True)
class Trial:
    """One window: what was said of it, and what came of its moments."""

    said: dict[str, Any]
    outcomes: dict[str, Outcome]


def _trial(
    data: TrainingData, items: Items, window: Window, rows: InteractionRows, rows_before: InteractionRows
) -> Trial | None:
    """Fit on what was known at the window's start, judge what is known at its end; None where too few bought in it."""
    customers = Vocabulary.of([*rows.customer_ids, *rows_before.customer_ids])
    everything, past = rows.interactions(customers, items), rows_before.interactions(customers, items)
    p: RecommendParameters = data.parameters
    kind = target_kind(everything, window, p.minimum_cases)
    if kind is None:
        return None
    recommender = fit_recommender(
        past, items, window.start, p, seed=data.seed, threads=data.threads, progress=data.progress
    )
    data.progress("baselines")
    validation = last_window(int(past.times.min()), window.start, p.test_window_days)
    earlier = Cases.at_start(past, validation, kind).with_history().sampled(p.evaluated_cases, data.seed)
    popular = recommender.retriever.popularity.order.astype(np.int64)
    baselines = Baselines.fit(past, window, earlier, popular, data.seed, data.threads)
    known = past.joined(everything.between(window.start, window.stop))
    moments = {
        "at_start": Cases.at_start(known, window, kind),
        "in_visits": Cases.in_visits(known, window, kind, data.seed),
    }
    cases = {name: found.sampled(p.evaluated_cases, data.seed) for name, found in moments.items()}
    data.progress("judging")
    return Trial(
        said={
            "start": _day(window.start),
            "stop": _day(window.stop),
            "target_kind": KINDS[kind],
            "known_interactions": len(past),
            **{name: len(found) for name, found in cases.items()},
            **recommender.ranker_facts,
            "als": baselines.settings,
        },
        outcomes={name: _outcome(recommender, baselines, found) for name, found in cases.items()},
    )


def _outcome(recommender: Recommender, baselines: Baselines, cases: Cases) -> Outcome:
    size = cases.interactions.item_count
    ours, retrieved = _ours(recommender, cases)
    lists: Lists = {OURS: ours} | baselines.lists(cases)
    known = Entries.of(cases, cases.interactions.offsets[cases.customers])
    keys = cases.target_rows * size + cases.targets
    seen = find(known.pairs.keys, keys) >= 0
    return Outcome(
        values={name: _values(Judged(shown, keys, size), seen) for name, shown in lists.items()},
        has_history=np.bincount(known.rows, minlength=len(cases)) > 0,
        seen=seen,
        retrieved=retrieved,
    )


def _ours(recommender: Recommender, cases: Cases) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The first K of each case, (cases, K); which targets each source, and any of them, retrieved."""
    retriever = recommender.retriever
    retrieved = {name: np.zeros(len(cases.targets), bool) for name in ("any", *retriever.sources)}
    lists = np.full((len(cases), K), -1, np.int64)
    for case in range(len(cases)):
        shopper = cases.shopper(case, retriever.log, retriever.parameters.visitor_interactions)
        eligible = np.arange(len(retriever.items)) != cases.cues[case]  # the open page is not to be guessed
        candidates = recommender.pipeline.candidates(shopper, eligible)
        order = np.argsort(-recommender.scores(shopper, candidates), kind="stable")[:K]
        lists[case, : len(order)] = candidates.items[order]
        span = slice(cases.target_offsets[case], cases.target_offsets[case + 1])
        retrieved["any"][span] = np.isin(cases.targets[span], candidates.items)
        for name in retriever.sources:
            own = candidates.items[retriever.is_from(name, candidates.selected_by)]
            retrieved[name][span] = np.isin(cases.targets[span], own)
    return lists, retrieved


def _values(judged: Judged, seen: np.ndarray) -> dict[str, np.ndarray]:
    parts = zip(PARTS, (judged, judged.only(seen), judged.only(~seen)), strict=True)
    return {
        f"{part}{name}": values
        for part, chosen in parts
        for name, values in (("recall_at_20", chosen.recall(K)), ("ndcg_at_10", chosen.ndcg(10)))
    }


def _pooled(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """All windows' cases together; a method that some window lacks is left out."""
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
            method: {metric: _difference(values[OURS][metric] - found, seed) for metric, found in of_method.items()}
            for method, of_method in values.items()
            if method != OURS
        },
        "candidate_recall": {
            source: _rounded(mean(np.concatenate([outcome.retrieved[source] for outcome in outcomes]).astype(float)))
            for source in outcomes[0].retrieved
        },
    }


def _difference(differences: np.ndarray, seed: int) -> dict[str, Any] | None:
    found = mean(differences)
    if found is None:
        return None
    return {"mean": _rounded(found), "interval_95": [_rounded(end) for end in bootstrap_interval(differences, seed)]}


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
