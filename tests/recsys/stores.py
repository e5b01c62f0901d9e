"""Small stores as arrays, whose right answers are known."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.data.vocabulary import Vocabulary
from recsys.parameters import RecommendParameters
from recsys.ranking.features import Pointwise
from recsys.ranking.pipeline import CandidatePipeline
from recsys.recommender import Recommender
from recsys.request import Answer
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.protocol import FitData, Source
from recsys.retrieval.retriever import Retriever
from recsys.training.train import fit_recommender

DAY = SECONDS_PER_DAY
SMALL = RecommendParameters(minimum_interactions=20, minimum_groups=20, trees=20, least_rows_per_leaf=5)
VIEW, CART, ORDER = (KINDS.index(kind) for kind in KINDS)
Row = tuple[str, str, str, float]  # customer, item, kind, day


def item_ids(count: int) -> list[str]:
    return [f"item-{number:03d}" for number in range(count)]


def interactions(rows: Sequence[Row], items: Items) -> Interactions:
    customers = Vocabulary.of(row[0] for row in rows)
    return Interactions.of(
        customers,
        len(items),
        customers.indices([row[0] for row in rows]),
        items.ids.indices([row[1] for row in rows]),
        np.array([KINDS.index(row[2]) for row in rows], np.uint8),
        np.array([int(row[3] * DAY) for row in rows]),
    )


def retriever(rows: Sequence[Row], items: Items, now: float, parameters: RecommendParameters = SMALL) -> Retriever:
    """Every source, fitted on the rows, which all lie before day `now`."""
    past = interactions(rows, items)
    return Retriever.fit(past, SessionLog.of(past), items, int(now * DAY), ORDER, parameters)


def all_items(retriever: Retriever) -> np.ndarray:
    """(items,) bool, all true: every item may be shown."""
    return np.ones(len(retriever.items), bool)


def pipeline(
    rows: Sequence[Row], items: Items, now: float, parameters: RecommendParameters = SMALL
) -> CandidatePipeline:
    """The same with the sources' own pre-ranking weights."""
    return CandidatePipeline.of(retriever(rows, items, now, parameters))


def state(
    rows: Sequence[Row], items: Items, now: float, parameters: RecommendParameters = SMALL, threads: int = 1
) -> FitData:
    """What a source is fitted on: the rows, which all lie before day `now`."""
    past = interactions(rows, items)
    counters = ItemCounters.of(past, int(now * DAY), ORDER)
    return FitData(past, SessionLog.of(past), counters, items, int(now * DAY), parameters, threads=threads)


def session(customer: str, day: float, *numbers: int, kind: str = "view") -> list[Row]:
    """One session: the items in this order, a minute apart."""
    minute = 1 / 24 / 60
    return [(customer, f"item-{item:03d}", kind, day + step * minute) for step, item in enumerate(numbers)]


def retrieved_scores(
    source: Source, asked: UserHistory, count: int, parameters: RecommendParameters = SMALL, seen: Sequence[int] = ()
) -> dict[str, dict[int, float]]:
    """By column, the items of `count` that the source gives more than 0; others have written those `seen` before."""
    names = [column.name for column in source.columns(parameters)]
    pool = CandidatePool.of(count, len(names) + 2)
    for item in seen:
        row_of(pool, item)
    source.retrieve(asked, np.ones(count, bool), pool, 1)
    scores = pool.scores[:, : pool.size[0]]
    assert not scores[[0, -1]].any(), "a source writes into its own columns only"
    assert (scores >= 0).all()
    items = pool.items[: pool.size[0]].tolist()
    found = zip(names, scores[1:-1].tolist(), strict=True)
    return {name: {item: score for item, score in zip(items, column, strict=True) if score} for name, column in found}


def pointwise_features(scorer: Pointwise, asked: UserHistory, candidates: Sequence[int]) -> dict[str, list[float]]:
    """By name, the features of each candidate."""
    out = np.full((len(scorer.names), len(candidates)), np.nan, np.float32)
    scorer.score_candidates(asked, np.array(candidates), out)
    assert np.isfinite(out).all()
    return {name: column.tolist() for name, column in zip(scorer.names, out, strict=True)}


def recommender(rows: Sequence[Row], items: Items, now: float, parameters: RecommendParameters = SMALL) -> Recommender:
    """Fitted on what lies before day `now`."""
    return fit_recommender(interactions(rows, items), items, int(now * DAY), parameters, threads=1)


def user(
    history: Sequence[tuple[int, int, float]],
    session: Sequence[tuple[int, int]] = (),
    customer: int = -1,
    cutoff: int = 0,
) -> UserHistory:
    """Nobody by name, with a history of (item, kind, days ago) and (item, kind) in the session under way."""
    entries = [*history, *((item, kind, 0.0) for item, kind in session)]
    return UserHistory(
        items=np.array([entry[0] for entry in entries], np.int32),
        kinds=np.array([entry[1] for entry in entries], np.uint8),
        ages=np.array([entry[2] for entry in entries], np.float32),
        session_start=len(history),
        customer=customer,
        cutoff=cutoff,
    )


def shown(answer: Answer) -> list[str]:
    return [item.item_id for item in answer.items]


def checkerboard(customers: int = 80, count: int = 40, days: int = 60, seed: int = 0) -> list[Row]:
    """Even customers choose even items only, odd ones odd ones: an order of two items about every five days."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for number in range(customers):
        for day in np.flatnonzero(random.random(days) < 0.2):
            for item in random.choice(count // 2, 2, replace=False):
                rows.append((f"customer-{number:03d}", f"item-{2 * item + number % 2:03d}", "order", float(day) + 0.5))
    return rows


def colour(some_id: str) -> int:
    return int(some_id.rpartition("-")[2]) % 2


@cache
def checkerboard_recommender(parameters: RecommendParameters = SMALL) -> Recommender:
    """Fitted once for all tests; do not change it."""
    items = Items.of(item_ids(40), names=[f"Item {n}" for n in range(40)])
    return recommender(checkerboard(), items, 60, parameters)
