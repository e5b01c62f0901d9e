"""The recommend family: what each shopper should see now, against what is popular with everybody."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np
import orjson
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay, write_arrays
from contracts.errors import NotEnoughData
from pipelines.families.declaration import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.features.interactions import interactions
from recsys.cases import Cases
from recsys.evaluation import Evaluation, evaluate
from recsys.interactions import Interactions
from recsys.items import ALWAYS, Items
from recsys.parameters import RecommendParameters
from recsys.query import KINDS, Query, SessionEvent, query_to_json
from recsys.recommender import Recommender, utc_seconds
from recsys.splits import last_window, target_kind
from recsys.training import fit_recommender
from recsys.vocabulary import Vocabulary

RANKER_FILE: Final = "ranker_{moment}.txt"
PARAMETERS_FILE: Final = "parameters.json"


def backtest(data: TrainingData) -> Backtest:
    """Predict the last window from its first instant; nothing fitted has seen the window, refunds included."""
    parameters: RecommendParameters = data.parameters
    as_of = utc_seconds(data.as_of)
    data.progress("recommend: interactions")
    rows = _read(data, data.as_of)
    window = last_window(rows.first(as_of), as_of, parameters.test_window_days)
    start = datetime.fromtimestamp(window.start, UTC)
    rows_before = _read(data, start)
    customers = Vocabulary.of([*rows.customer_ids, *rows_before.customer_ids])
    items = _items(data.catalogue)
    everything, past = rows.interactions(customers, items), rows_before.interactions(customers, items)
    kind = target_kind(everything, window, parameters.minimum_cases)
    if kind is None:
        raise NotEnoughData(
            f"judging recommendations needs at least {parameters.minimum_cases} customers who viewed, added or "
            f"ordered something in the last {(window.stop - window.start) / 86_400:.0f} days. Ingest more events."
        )
    recommender = fit_recommender(
        past, items, window.start, parameters, seed=data.seed, threads=data.threads, progress=data.progress
    )
    data.progress("recommend: judging")
    known = past.joined(everything.between(window.start, window.stop))
    at_start = Cases.at_start(known, window, kind).sampled(parameters.evaluated_cases, data.seed)
    found = evaluate(recommender, at_start, data.seed)
    visits = Cases.in_visits(known, window, kind, data.seed).sampled(parameters.evaluated_cases, data.seed)
    in_visits = evaluate(recommender, visits, data.seed) if len(visits) else Evaluation(0, {}, {}, {})
    said = {name: value for name, value in recommender.parameters.items() if name.startswith("ranker_")}
    return Backtest(
        window_start=start,
        window_end=data.as_of,
        cases=found.cases,
        metrics=found.metrics | _in_visit(in_visits.metrics),
        baseline_metrics=found.baseline_metrics | _in_visit(in_visits.baseline_metrics),
        details=found.details | said | {"target_kind": KINDS[kind], "visits": in_visits.cases},
    )


def fit(data: TrainingData) -> FittedFamily:
    """The recommender of everything before `as_of`, with requests that must be answered alike when it is served."""
    rows, items = _read(data, data.as_of), _items(data.catalogue)
    recommender = fit_recommender(
        rows.interactions(Vocabulary.of(rows.customer_ids), items),
        items,
        utc_seconds(data.as_of),
        data.parameters,
        seed=data.seed,
        threads=data.threads,
        progress=data.progress,
    )

    def write_files(folder: Path) -> None:
        write_arrays(folder, recommender.to_arrays())
        for moment, ranker in recommender.rankers.items():
            (folder / RANKER_FILE.format(moment=moment)).write_text(ranker.text, encoding="utf-8")
        (folder / PARAMETERS_FILE).write_text(json.dumps(recommender.parameters, indent=2), encoding="utf-8")

    return FittedFamily(write_files=write_files, replays=_replays(recommender, data.parameters.replays))


def _in_visit(metrics: Metrics) -> Metrics:
    return {f"visit_{name}": metrics.get(name) for name in ("recall_at_20", "ndcg_at_10")}


RECOMMEND: Final = Family(
    name="recommend",
    kind="recommender",
    baseline="the items that most customers chose in the last 7 days, the same for everybody",
    gate=Gate(metric="recall_at_20", higher_is_better=True),
    parameters=RecommendParameters,
    backtest=backtest,
    fit=fit,
)


@dataclass(frozen=True)
class _Rows:
    """The interactions before one moment, as codes and what the codes stand for; one entry per interaction."""

    customer: np.ndarray
    customer_ids: list[str]
    item: np.ndarray
    item_ids: list[str]
    kind: np.ndarray
    kinds: list[str]
    times: np.ndarray  # seconds since 1970 UTC

    def first(self, default: int) -> int:
        return int(self.times.min()) if len(self.times) else default

    def interactions(self, customers: Vocabulary, items: Items) -> Interactions:
        """Sorted histories; what concerns an item that is not in the catalogue is left out."""
        item = items.ids.indices(self.item_ids)[self.item]
        known = item >= 0
        return Interactions.of(
            customers=customers,
            item_count=len(items),
            customer=customers.indices(self.customer_ids)[self.customer][known],
            item=item[known],
            kind=np.array([KINDS.index(name) for name in self.kinds], np.uint8)[self.kind][known],
            time=self.times[known],
        )


def _read(data: TrainingData, as_of: datetime) -> _Rows:
    """What was known before `as_of`: of an order refunded later, the order; of one refunded before, nothing."""
    table = interactions(data.events, as_of).to_pyarrow()
    codes = (_codes(table[name]) for name in (c.CUSTOMER_ID, c.ITEM_ID, c.KIND))
    (customer, customer_ids), (item, item_ids), (kind, kinds) = codes
    times = table[c.OCCURRED_AT].cast(c.TIMESTAMP).cast(pa.int64()).to_numpy() // 1_000_000
    return _Rows(customer, customer_ids, item, item_ids, kind, kinds, times)


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """The code of each row, and the texts that the codes stand for."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def _items(table: ibis.Table) -> Items:
    catalogue = table.select(*c.CATALOGUE.names).to_pyarrow()
    available = catalogue[c.AVAILABLE_FROM].cast(c.TIMESTAMP).cast(pa.int64())
    has_date = available.is_valid().to_numpy()
    seconds = available.fill_null(0).to_numpy() // 1_000_000
    return Items.of(
        ids=catalogue[c.ITEM_ID].to_pylist(),
        names=catalogue[c.ITEM_NAME].to_pylist(),
        categories=catalogue[c.ITEM_CATEGORY].to_pylist(),
        brands=catalogue[c.ITEM_BRAND].to_pylist(),
        price=_numbers(catalogue[c.PRICE]),
        stock=_numbers(catalogue[c.STOCK]),
        available_from=np.where(has_date, seconds, ALWAYS),
        attributes=[orjson.loads(text) if text else {} for text in catalogue[c.ATTRIBUTES].to_pylist()],
    )


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), np.float32)


def _replays(recommender: Recommender, limit: int) -> list[Replay]:
    """A stranger, the customers with the longest histories, and a visit that is going on."""
    histories, items = recommender.histories, recommender.retriever.items
    longest = np.argsort(-np.diff(histories.offsets), kind="stable")[:limit].tolist()
    popular = [items.ids.value(int(place)) for place in recommender.retriever.popularity.order[:3]]
    queries = [Query(k=10), *(Query(customer_id=histories.customers.value(place), k=10) for place in longest)]
    if popular:
        visit = tuple(SessionEvent(item_id) for item_id in popular[1:])
        queries[-1] = replace(queries[-1], item_id=popular[0], session=visit)
    return [_replay(recommender, query) for query in queries]


def _replay(recommender: Recommender, query: Query) -> Replay:
    answer = recommender.recommend(query)
    expected: dict[str, Sequence[Any]] = {
        "items": [item.item_id for item in answer.items],
        "scores": [item.score for item in answer.items],
    }
    return Replay(route="recommend", request=query_to_json(query), expected=dict(expected))
