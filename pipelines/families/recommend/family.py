"""The recommend family: what each shopper should see now, against popular items and personal frequency."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import ibis
import msgspec
import numpy as np

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from contracts.time_units import SECONDS_PER_DAY
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.families.recommend.interactions import first_interaction, known_since, read_interactions, read_items
from pipelines.families.recommend.recommended_items import DESCRIPTION, with_recommended_items
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.files import write_recommender
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender, utc_seconds
from recsys.request import Query, SessionEvent
from recsys.training.evaluation import BASELINES, OURS, evaluate
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import mean
from recsys.training.time_split import last_window, target_kind
from recsys.training.train import fit_baseline as fit_recommender_baseline
from recsys.training.train import fit_recommender

# Over both ways in which the recommender is asked: before a visit, and inside one.
OVERALL: Final = "overall_recall_at_20"


def backtest(data: TrainingData) -> Backtest:
    """Predict the last window from its first instant; nothing fitted has seen the window, refunds included."""
    parameters: RecommendParameters = data.parameters
    as_of = utc_seconds(data.as_of)
    data.progress("recommend: interactions")
    window = last_window(first_interaction(data.events, as_of), as_of, parameters.test_window_days)
    start = datetime.fromtimestamp(window.start, UTC)
    # As known at the start, then what followed: by the ids as they were known, and with the links that came later.
    found = [read_interactions(*one) for one in _views(data, start)]
    customers = Vocabulary.of([customer_id for rows in found for customer_id in rows.customer_ids])
    items = read_items(data.catalogue_at(start))
    past, as_known, as_linked = (rows.interactions(customers, items) for rows in found)
    kind = target_kind(as_linked, window, parameters.minimum_cases)
    if kind is None:
        days = (window.stop - window.start) / SECONDS_PER_DAY
        raise NotEnoughData(
            f"judging recommendations needs at least {parameters.minimum_cases} customers who viewed, added or "
            f"ordered something in the last {days:.0f} days. Ingest more events."
        )
    recommender = fit_to_past(data, past, items, window.start)
    data.progress("recommend: evaluation")
    of_period, of_visits = (past.joined(later.between(window.start, window.stop)) for later in (as_linked, as_known))
    next_period = Examples.next_period(of_period, window, kind).sampled(parameters.evaluated_cases, data.seed)
    next_item = Examples.next_item(of_visits, window, kind, data.seed).sampled(parameters.evaluated_cases, data.seed)
    judged, in_session = evaluate(recommender, next_period), evaluate(recommender, next_item)
    both = (judged, in_session)
    recall = {name: np.concatenate([each.recall[name] for each in both]) for name in (OURS, *BASELINES)}
    baseline = max(BASELINES, key=lambda name: float(recall[name].sum()))
    return Backtest(
        window_start=start,
        window_end=data.as_of,
        cases=judged.examples,
        metrics={OVERALL: mean(recall[OURS])} | judged.metrics | _in_session(in_session.metrics),
        baseline_metrics={OVERALL: mean(recall[baseline])}
        | judged.baselines[baseline]
        | _in_session(in_session.baselines[baseline]),
        paired=PairedCases(np.concatenate([each.customers for each in both]), recall[OURS], recall[baseline]),
        baseline_name=baseline,
        details=judged.details | recommender.ranker_facts | {"target_kind": KINDS[kind], "visits": in_session.examples},
    )


def fit(data: TrainingData) -> FittedFamily:
    """The recommender of everything before `as_of`, with requests that must be answered alike when it is served."""
    rows, items = read_interactions(data.events_at(data.as_of), data.as_of), read_items(data.catalogue)
    past = rows.interactions(Vocabulary.of(rows.customer_ids), items)
    recommender = fit_to_past(data, past, items, utc_seconds(data.as_of))
    return _family_of(recommender, data)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """Personal frequency, then popular items; the placements without a ranker answer as ever."""
    rows, items = read_interactions(data.events_at(data.as_of), data.as_of), read_items(data.catalogue)
    customers = Vocabulary.of(rows.customer_ids)
    as_of = utc_seconds(data.as_of)
    interactions = rows.interactions(customers, items)
    recommender = fit_recommender_baseline(interactions, items, as_of, data.parameters, data.seed, data.threads)
    return _family_of(recommender, data)


def _family_of(recommender: Recommender, data: TrainingData) -> FittedFamily:
    def write_files(folder: Path) -> None:
        write_recommender(folder, recommender)

    return FittedFamily(write_files=write_files, replays=_replays(recommender, data.parameters.replays))


def fit_to_past(data: TrainingData, past: Interactions, items: Items, as_of: int) -> Recommender:
    """The recommender of the past before `as_of` (seconds since 1970 UTC), with what was known of items then."""
    told = data.catalogue if data.described_items is None else data.described_items
    return fit_recommender(
        past,
        items,
        as_of,
        data.parameters,
        seed=data.seed,
        threads=data.threads,
        progress=data.progress,
        known_since=known_since(data.events, told, items),
    )


def _views(data: TrainingData, start: datetime) -> Iterator[tuple[ibis.Table, datetime]]:
    """Events and the instant until which they count: before `start`, and until now by either kind of identity."""
    known = data.events_at(start)
    yield from ((known, start), (known, data.as_of), (data.events_since(start, data.as_of), data.as_of))


def _in_session(metrics: Metrics) -> Metrics:
    return {f"visit_{name}": metrics.get(name) for name in ("recall_at_20", "ndcg_at_10")}


RECOMMEND: Final = Family(
    name="recommend",
    kind="recommender",
    baseline="popular items of the last 7 days, or what the customer chose most often and then those, whichever found "
    "more",
    gate=Gate(OVERALL, higher_is_better=True, label="recall in the first 20", unit="customers"),
    parameters=RecommendParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    shown_metrics=(OVERALL, "recall_at_20", "ndcg_at_10", "mrr_at_20", "coverage", "visit_recall_at_20"),
    derive=with_recommended_items,
    derived_columns={c.RECOMMENDED_ITEMS: DESCRIPTION},
)


def _replays(recommender: Recommender, limit: int) -> list[Replay]:
    """A stranger, the customers with the longest histories, and a visit that is going on."""
    histories, items = recommender.histories, recommender.retriever.items
    longest = np.argsort(-np.diff(histories.offsets), kind="stable")[:limit].tolist()
    popular = [items.ids.value(int(place)) for place in recommender.retriever.popularity.order[:3]]
    queries = [Query(k=10), *(Query(customer_id=histories.customers.value(place), k=10) for place in longest)]
    if popular:
        visit = tuple(SessionEvent(item_id) for item_id in popular[1:])
        queries[-1] = msgspec.structs.replace(queries[-1], item_id=popular[0], session=visit)
    return [_replay(recommender, query) for query in queries]


def _replay(recommender: Recommender, query: Query) -> Replay:
    answer = recommender.recommend(query)
    expected: dict[str, Sequence[Any]] = {
        "items": [item.item_id for item in answer.items],
        "scores": [item.score for item in answer.items],
    }
    return Replay(route="recommend", request=msgspec.to_builtins(query), expected=dict(expected))
