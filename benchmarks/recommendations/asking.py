"""Dated examples as requests to recommend(): what the product answers at each example's time."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from recsys.data.interactions import KINDS, Interactions
from recsys.recommender import Recommender
from recsys.request import MAX_SESSION, Query, SessionEvent
from recsys.training.evaluation import K
from recsys.training.examples import Examples

ANY: Final = "any"


class Asked(NamedTuple):
    """`lists` (examples, K) int64: the items of each answer, -1 where there are fewer.

    `retrieved`, for each source and for "any" of them, (targets,) bool: whether it selected the target.
    """

    lists: np.ndarray
    retrieved: dict[str, np.ndarray]


def asked(recommender: Recommender, examples: Examples) -> Asked:
    """Ask for each example, at its time, with what is known then: the stored history, the session, the open page.

    Everything else is the recommender's own: eligibility (launch dates, stock), retrieval, ranking and the policy.
    """
    ids = recommender.retriever.items.ids
    retrieved = {name: np.zeros(len(examples.targets), bool) for name in (ANY, *recommender.retriever.sources)}
    lists = np.full((len(examples), K), -1, np.int64)
    limit = recommender.retriever.parameters.visitor_interactions
    for example in range(len(examples)):
        known = Recommender(recommender.pipeline, stored_history(examples, example, limit), recommender.rankers)
        query = query_of(examples, example, recommender)
        now = datetime.fromtimestamp(int(examples.timestamps[example]), UTC)
        shown = known.recommend(query, now).items
        lists[example, : len(shown)] = [ids.index(item.item_id) for item in shown]
        span = slice(*examples.target_offsets[example : example + 2])
        targets = [ids.value(target) for target in examples.targets[span].tolist()]
        for name, selected in known.candidates_by_source(query, now).items():
            retrieved[name][span] = np.isin(targets, selected)
    return Asked(lists, retrieved)


def query_of(examples: Examples, example: int, recommender: Recommender) -> Query:
    """The request: the customer, the latest events of the session under way, and the open page."""
    ids, everything = recommender.retriever.items.ids, examples.interactions
    end, context = int(examples.history_ends[example]), int(examples.context_items[example])
    session = slice(max(int(examples.session_starts[example]), end - MAX_SESSION), end)
    events = zip(everything.items[session].tolist(), everything.kinds[session].tolist(), strict=True)
    return Query(
        customer_id=everything.customers.value(int(examples.customers[example])),
        session=tuple(SessionEvent(ids.value(item), KINDS[kind]) for item, kind in events),
        item_id=ids.value(context) if context >= 0 else None,
        k=K,
    )


def stored_history(examples: Examples, example: int, limit: int) -> Interactions:
    """What is stored of the example's customer before the session under way, the latest `limit`; of nobody else."""
    everything, customer = examples.interactions, int(examples.customers[example])
    stop = int(examples.session_starts[example])
    stored = slice(max(int(everything.offsets[customer]), stop - limit), stop)
    offsets = np.where(np.arange(len(everything.offsets)) > customer, stored.stop - stored.start, 0)
    columns = (everything.items[stored], everything.kinds[stored], everything.times[stored])
    return Interactions(everything.customers, everything.item_count, offsets, *columns)
