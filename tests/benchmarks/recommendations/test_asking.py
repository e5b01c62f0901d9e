"""Examples asked through recommend() are answered as the backtest ranks them, but for what only a request checks."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.recommendations.asking import ANY, asked, query_of, stored_history
from recsys.data.catalogue import Items
from recsys.recommender import Recommender
from recsys.training.evaluation import K, rank_examples
from recsys.training.examples import Examples
from recsys.training.time_split import Window
from recsys.training.train import fit_recommender
from tests.recsys.stores import DAY, ORDER, SMALL, checkerboard, interactions, item_ids

WINDOW = Window(50 * DAY, 60 * DAY)


@cache
def fitted(launched: int = 0) -> Recommender:
    """On what came before the window; the last of the items is launched so many days after the window."""
    starts = np.zeros(40, np.int64)
    starts[-1] = launched and WINDOW.stop + launched * DAY
    items = Items.of(item_ids(40), available_from=starts)
    return fit_recommender(interactions(checkerboard(), items), items, WINDOW.start, SMALL, threads=1)


@cache
def examples(inside: bool) -> Examples:
    everything = interactions(checkerboard(), fitted().retriever.items)
    if inside:
        return Examples.next_item(everything, WINDOW, ORDER, seed=7)
    return Examples.next_period(everything, WINDOW, ORDER)


@pytest.mark.parametrize("inside", [False, True])
def test_answers_are_those_of_the_backtest(inside: bool) -> None:
    found, ranked = asked(fitted(), examples(inside)), rank_examples(fitted(), examples(inside))
    assert (found.lists == ranked.lists).all(axis=1).mean() > 0.99
    assert found.retrieved.keys() == ranked.retrieved.keys()
    for name, of_source in ranked.retrieved.items():
        np.testing.assert_array_equal(found.retrieved[name], of_source, err_msg=name)
    assert found.retrieved[ANY].mean() > 0.5


def test_what_is_not_launched_yet_is_not_shown() -> None:
    assert (asked(fitted(), examples(False)).lists == 39).any()
    assert not (asked(fitted(launched=1), examples(False)).lists == 39).any()


def test_a_request_holds_the_session_and_the_store_what_came_before_it() -> None:
    inside = examples(True)
    example = len(inside) // 2
    start, end = int(inside.session_starts[example]) - 3, int(inside.session_starts[example])
    moved = replace(inside, session_starts=inside.session_starts - 3, history_ends=inside.session_starts)
    query, ids = query_of(moved, example, fitted()), fitted().retriever.items.ids
    everything = inside.interactions
    assert [event.item_id for event in query.events] == [ids.value(item) for item in everything.items[start:end]]
    assert {event.kind for event in query.events} == {"order"}
    assert query.item_id == ids.value(int(inside.context_items[example]))
    assert query.k == K
    customer = int(inside.customers[example])
    stored = stored_history(moved, example, limit=2)
    assert stored.items.tolist() == everything.items[start - 2 : start].tolist()
    assert stored.rows.tolist() == [customer] * 2
    assert query.customer_id == everything.customers.value(customer)
