"""The baselines on the checkerboard of tastes, where each customer's colour is half of the catalogue."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.recommendations.baselines import (
    ALPHAS,
    DEFAULT,
    Baselines,
    Entries,
    als_lists,
    customer_counts,
    filled,
    personal_frequency,
    tuned_als,
    unfitted_als,
)
from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.training.evaluation import K
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import RankedLists, mean
from recsys.training.time_split import Window
from tests.recsys.stores import DAY, ORDER, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(40))
WINDOW = Window(50 * DAY, 60 * DAY)
BY_NUMBER = np.arange(40)


def world() -> Interactions:
    return interactions(checkerboard(), ITEMS)


@cache
def fitted() -> Baselines:
    past = world().before(WINDOW.start)
    earlier = Examples.next_period(past, Window(40 * DAY, WINDOW.start), ORDER)
    earlier = earlier.where(earlier.has_history)
    return Baselines.fit(past, WINDOW, earlier, BY_NUMBER, seed=7, threads=1)


def recall(examples: Examples) -> dict[str, float | None]:
    keys, size = examples.target_keys, len(ITEMS)
    return {name: mean(RankedLists(shown, keys, size).recall(K)) for name, shown in fitted().lists(examples).items()}


def test_those_that_know_the_customer_find_the_colour_and_lose_it_with_the_history() -> None:
    examples = Examples.next_period(world(), WINDOW, ORDER)
    found = recall(examples)
    # With the history of the next customer in place of each one's own, who likes the other colour.
    other = (examples.customers + 1) % 80
    ends = history_ends(examples.interactions, other)
    wrong = recall(replace(examples, customers=other, session_starts=ends, history_ends=ends))
    assert set(found) == {"popular", "personal_frequency", "als", "item_neighbours"}
    for name in ("als", "item_neighbours"):
        assert found[name] > 0.95, name
        assert wrong[name] < 0.05, name
    assert found["popular"] == wrong["popular"] == pytest.approx(0.5, abs=0.1)
    # Own items come first, then popular ones of both colours.
    assert found["personal_frequency"] > found["popular"] + 0.1
    assert wrong["personal_frequency"] < wrong["popular"] - 0.1


def history_ends(known: Interactions, customers: np.ndarray) -> np.ndarray:
    return known.offsets[customers] + np.bincount(known.rows[known.times < WINDOW.start], minlength=80)[customers]


def test_inside_a_session_the_context_item_alone_tells_the_colour() -> None:
    examples = Examples.next_item(world(), WINDOW, ORDER, seed=7)
    lists = fitted().lists(examples)
    assert (examples.context_items >= 0).all()
    for shown in lists.values():
        assert not (shown == examples.context_items[:, None]).any()
    same_colour = {name: shown % 2 == examples.context_items[:, None] % 2 for name, shown in lists.items()}
    assert same_colour["item_neighbours_of_session"][:, :15].mean() > 0.95
    assert same_colour["popular"].mean() == pytest.approx(0.5, abs=0.1)


def test_what_lies_in_the_window_is_refused() -> None:
    inside, before = world(), world().before(WINDOW.start)
    validation = Examples.next_period(before, Window(40 * DAY, WINDOW.start), ORDER)
    for past, examples in ((inside, validation), (before, Examples.next_period(inside, WINDOW, ORDER))):
        with pytest.raises(AssertionError, match="lies in the window"):
            Baselines.fit(past, WINDOW, examples, BY_NUMBER, seed=7, threads=1)


def test_als_takes_the_settings_that_recall_most_and_does_without_examples() -> None:
    examples = Examples.next_period(world().before(WINDOW.start), Window(40 * DAY, WINDOW.start), ORDER)
    examples = examples.where(examples.has_history)
    known = Entries.of_history(examples)
    counts = customer_counts(examples.interactions.before(40 * DAY))

    def found(model: AlternatingLeastSquares) -> float:
        with threadpool_limits(1, "blas"):
            model.fit(counts, show_progress=False)
        return mean(RankedLists(als_lists(model, known)[:, :K], examples.target_keys, len(ITEMS)).recall(K)) or 0.0

    chosen = found(tuned_als(examples, 7, 1))
    assert chosen > 0.95 > found(unfitted_als(ALPHAS[0], 1e4, 7, 1))
    nothing_tried = tuned_als(examples.where(np.zeros(len(examples), bool)), 7, 1)
    assert (nothing_tried.alpha, nothing_tried.regularization) == DEFAULT


def test_personal_frequency_goes_by_count_then_by_the_latest_then_by_popularity() -> None:
    entries = Entries((2, 6), np.array([0, 0, 0, 0, 0]), np.array([4, 1, 4, 2, 3]), np.array([1, 2, 3, 9, 9]))
    lists = personal_frequency(entries, np.array([3, 5, 4, 2, 1, 0]))
    assert lists[0, :5].tolist() == [4, 3, 2, 1, -1]
    assert (lists[1] == -1).all()


def test_empty_places_go_to_popular_items_and_never_to_the_context_item() -> None:
    own = np.array([[7, 39, -1], [-1, -1, -1]])
    full = filled(own, np.array([7, -1]), BY_NUMBER[::-1])
    assert full[0].tolist() == [39, *range(38, 19, -1)]
    assert full[1].tolist() == list(range(39, 19, -1))
