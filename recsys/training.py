"""Training: the retriever on everything before `as_of`, the ranker on what happened in the last window before it."""

import zlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from contracts.progress import Progress, silent
from recsys.interactions import Interactions
from recsys.items import Items
from recsys.pairs import Pairs, find
from recsys.parameters import RecommendParameters
from recsys.query import KINDS
from recsys.ranking import Ranker, TrainingGroups, train_ranker
from recsys.recommender import Recommender
from recsys.retrieval.retriever import Retriever
from recsys.splits import Window, last_window, target_kind, window_targets, windows_back
from recsys.visits import Visits

BLOCK: Final = 500  # customers whose candidates are in memory at a time


def fit_recommender(
    interactions: Interactions,
    items: Items,
    as_of: int,
    parameters: RecommendParameters,
    seed: int = 7,
    threads: int = 2,
    progress: Progress = silent,
) -> Recommender:
    """A recommender that has seen nothing at or after `as_of` (seconds since 1970 UTC).

    Raises NotEnoughData. Where too few customers came back in the last window, a fixed blend ranks instead of
    LambdaMART, and the parameters say so.
    """
    past = interactions.before(as_of)
    if len(past) < parameters.minimum_interactions:
        raise NotEnoughData(
            f"recommendations need at least {parameters.minimum_interactions:,} views, carts or ordered items of "
            f"customers who allow personalization; the store has {len(past):,}. Ingest more events."
        )
    window = last_window(int(past.times.min()), as_of, parameters.test_window_days)
    found = target_kind(past, window, parameters.minimum_cases)
    kind = _strongest_kind(past) if found is None else found
    progress("recommend: training rows")
    groups = _groups_of_windows(past, items, window, kind, parameters, seed)
    progress("recommend: ranker")
    ranker = Ranker()
    if len(groups.sizes) >= parameters.minimum_groups:
        ranker = train_ranker(groups, parameters, seed, threads)
    progress("recommend: candidate sources")
    retriever = Retriever.fit(past, items, as_of, kind, parameters)
    said = {"target_kind": KINDS[kind], "ranker_groups": len(groups.sizes)}
    histories = past.latest(parameters.visitor_interactions)
    return Recommender(retriever, histories, ranker, as_of, asdict(parameters) | said)


def _groups_of_windows(
    past: Interactions, items: Items, last: Window, kind: int, parameters: RecommendParameters, seed: int
) -> TrainingGroups:
    """Groups of the last window and, while there are few, of the windows before it, back to back.

    The sources that propose a window's candidates know nothing later than its start. Half of the groups see a customer
    at that moment, as a home page or an e-mail does; half in the middle of a visit, with an item in view.
    """
    parts: list[TrainingGroups] = []
    for window in windows_back(last, int(past.times.min()), parameters.label_windows):
        earlier = past.before(window.start)
        teacher = Retriever.fit(earlier, items, window.start, kind, parameters)
        targets = window_targets(past, window, kind)
        parts.append(training_groups(teacher, earlier, targets, window.start, parameters, seed))
        visits = Visits.of(past, window, kind, seed)
        parts.append(
            training_groups(teacher, visits.histories, visits.targets, window.start, parameters, seed, visits.cues)
        )
        if sum(len(part.sizes) for part in parts) >= parameters.enough_groups:
            break
    return TrainingGroups.joined(parts)


def training_groups(
    retriever: Retriever,
    histories: Interactions,
    targets: Pairs,
    now: int,
    parameters: RecommendParameters,
    seed: int,
    hidden: Pairs | None = None,
) -> TrainingGroups:
    """Candidates at `now` of customers with targets, labelled 1 where the target followed; `hidden` ones left out.

    Customers none of whose targets is a candidate teach nothing and are left out; so are most of the candidates that
    were not chosen: `negatives_per_customer` of them are kept, at random.
    """
    random = np.random.default_rng(seed)
    known = histories.latest(parameters.visitor_interactions)
    eligible = retriever.counters.age_days > 0
    features, labels, sizes = [], [], []
    for customers in blocks(sampled(_with_history(targets, histories), histories, parameters.training_customers, seed)):
        shoppers = known.shoppers(customers, now)
        candidates = retriever.candidates(shoppers, eligible)
        keys = customers[candidates.rows] * histories.item_count + candidates.items
        label = find(targets.keys, keys) >= 0
        kept = _kept_rows(label, candidates.rows, len(customers), parameters.negatives_per_customer, random)
        if hidden is not None:
            kept = kept[find(hidden.keys, keys[kept]) < 0]
        features.append(retriever.features(shoppers, candidates)[kept])
        labels.append(label[kept])
        sizes.append(np.bincount(candidates.rows[kept], minlength=len(customers)))
    size = np.concatenate([*sizes, np.zeros(0, np.int64)])
    return TrainingGroups(
        np.concatenate(features) if features else np.zeros((0, 0), np.float32),
        np.concatenate([*labels, np.zeros(0, bool)]).astype(np.int8),
        size[size > 0],
    )


def sampled(customers: np.ndarray, histories: Interactions, limit: int, seed: int) -> np.ndarray:
    """At most `limit` of the customers, chosen by a hash of their ids, so that one more customer changes little."""
    if len(customers) <= limit:
        return customers
    hashes = [zlib.crc32(histories.customers.value(c).encode(), seed) for c in customers.tolist()]
    return np.sort(customers[np.argsort(hashes, kind="stable")[:limit]])


def blocks(customers: np.ndarray) -> Iterator[np.ndarray]:
    """The customers in blocks of a bounded size."""
    for start in range(0, len(customers), BLOCK):
        yield customers[start : start + BLOCK]


def _kept_rows(
    label: np.ndarray, rows: np.ndarray, size: int, negatives: int, random: np.random.Generator
) -> np.ndarray:
    """Places of all positives and about `negatives` others, of the customers who have a positive."""
    positives = np.bincount(rows, label, minlength=size)
    others = np.bincount(rows, ~label, minlength=size)
    chance = (negatives / np.maximum(others, 1))[rows]
    return np.flatnonzero((positives[rows] > 0) & (label | (random.random(len(rows)) < chance)))


def _with_history(targets: Pairs, histories: Interactions) -> np.ndarray:
    """The customers with targets of whom something was known before; the others are served by popularity."""
    customers = np.unique(targets.rows)
    return np.asarray(customers[np.diff(histories.offsets)[customers] > 0])


def _strongest_kind(interactions: Interactions) -> int:
    return int(interactions.kinds.max())
