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
from recsys.training.examples import Cases
from recsys.training.ranking_metrics import Judged, mean
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
    earlier = Cases.at_start(past, Window(40 * DAY, WINDOW.start), ORDER).with_history()
    return Baselines.fit(past, WINDOW, earlier, BY_NUMBER, seed=7, threads=1)


def recall(cases: Cases) -> dict[str, float | None]:
    keys = cases.target_rows * len(ITEMS) + cases.targets
    return {name: mean(Judged(shown, keys, len(ITEMS)).recall(K)) for name, shown in fitted().lists(cases).items()}


def test_those_that_know_the_customer_find_the_colour_and_lose_it_with_the_history() -> None:
    cases = Cases.at_start(world(), WINDOW, ORDER)
    found = recall(cases)
    # Of whom, in each case, the history of the next customer is known, who likes the other colour.
    other = (cases.customers + 1) % 80
    cuts = cuts_of(cases.interactions, other)
    wrong = recall(replace(cases, customers=other, visits=cuts, cuts=cuts))
    assert set(found) == {"popular", "personal_frequency", "als", "item_neighbours"}
    for name in ("als", "item_neighbours"):
        assert found[name] > 0.95, name
        assert wrong[name] < 0.05, name
    assert found["popular"] == wrong["popular"] == pytest.approx(0.5, abs=0.1)
    assert found["personal_frequency"] > 0.7  # own items first, then popular ones of both colours
    assert wrong["personal_frequency"] < 0.3


def cuts_of(known: Interactions, customers: np.ndarray) -> np.ndarray:
    return known.offsets[customers] + np.bincount(known.rows[known.times < WINDOW.start], minlength=80)[customers]


def test_inside_a_visit_the_open_page_alone_tells_the_colour() -> None:
    cases = Cases.in_visits(world(), WINDOW, ORDER, seed=7)
    lists = fitted().lists(cases)
    assert (cases.cues >= 0).all()
    for shown in lists.values():
        assert not (shown == cases.cues[:, None]).any()
    same_colour = {name: shown % 2 == cases.cues[:, None] % 2 for name, shown in lists.items()}
    assert same_colour["item_neighbours_of_visit"][:, :15].mean() > 0.95
    assert same_colour["popular"].mean() == pytest.approx(0.5, abs=0.1)


def test_what_lies_in_the_window_is_refused() -> None:
    inside, before = world(), world().before(WINDOW.start)
    validation = Cases.at_start(before, Window(40 * DAY, WINDOW.start), ORDER)
    for past, cases in ((inside, validation), (before, Cases.at_start(inside, WINDOW, ORDER))):
        with pytest.raises(AssertionError, match="lies in the window"):
            Baselines.fit(past, WINDOW, cases, BY_NUMBER, seed=7, threads=1)


def test_als_takes_the_settings_that_recall_most_and_does_without_cases() -> None:
    cases = Cases.at_start(world().before(WINDOW.start), Window(40 * DAY, WINDOW.start), ORDER).with_history()
    keys = cases.target_rows * len(ITEMS) + cases.targets
    known = Entries.of(cases, cases.interactions.offsets[cases.customers])
    counts = customer_counts(cases.interactions.before(40 * DAY))

    def found(model: AlternatingLeastSquares) -> float:
        with threadpool_limits(1, "blas"):
            model.fit(counts, show_progress=False)
        return mean(Judged(als_lists(model, known)[:, :K], keys, len(ITEMS)).recall(K)) or 0.0

    chosen = found(tuned_als(cases, 7, 1))
    assert chosen > 0.95 > found(unfitted_als(ALPHAS[0], 1e4, 7, 1))
    nothing_tried = tuned_als(cases.where(np.zeros(len(cases), bool)), 7, 1)
    assert (nothing_tried.alpha, nothing_tried.regularization) == DEFAULT


def test_personal_frequency_goes_by_count_then_by_the_latest_then_by_popularity() -> None:
    entries = Entries((2, 6), np.array([0, 0, 0, 0, 0]), np.array([4, 1, 4, 2, 3]), np.array([1, 2, 3, 9, 9]))
    lists = personal_frequency(entries, np.array([3, 5, 4, 2, 1, 0]))
    assert lists[0, :5].tolist() == [4, 3, 2, 1, -1]
    assert (lists[1] == -1).all()


def test_empty_places_go_to_popular_items_and_never_to_the_open_page() -> None:
    own = np.array([[7, 39, -1], [-1, -1, -1]])
    full = filled(own, np.array([7, -1]), BY_NUMBER[::-1])
    assert full[0].tolist() == [39, *range(38, 19, -1)]
    assert full[1].tolist() == list(range(39, 19, -1))
