import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.covisitation.source import (
    RELATIONS,
    SESSION_DECAY,
    BoughtTogether,
    CoVisitation,
    ViewedThenBought,
    ViewedTogether,
)
from tests.recsys.stores import CART, ORDER, VIEW, Row, item_ids, retriever, user

ITEMS = Items.of(item_ids(6))


def fitted(rows: list[Row], source: type[CoVisitation], **parameters: int) -> CoVisitation:
    found = retriever(rows, ITEMS, 100, RecommendParameters(**parameters)).sources[source.name]
    assert isinstance(found, CoVisitation)
    return found


def neighbours(source: CoVisitation) -> dict[int, set[int]]:
    return {item: set(source.similar(item)[0].tolist()) for item in range(6) if len(source.similar(item)[0])}


def test_what_is_touched_within_the_window_is_related_both_ways() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0), ("a", "item-001", "view", 1.5), ("a", "item-002", "view", 3.0)]
    assert neighbours(fitted(rows, ViewedTogether)) == {0: {1}, 1: {0}}


def test_no_pair_joins_two_customers() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0), ("b", "item-001", "view", 1.0)]
    assert neighbours(fitted(rows, ViewedTogether)) == {}


def test_bought_after_viewing_points_forward_only() -> None:
    rows: list[Row] = [
        ("a", "item-000", "order", 1.0),
        ("a", "item-001", "view", 2.0),
        ("a", "item-002", "order", 3.0),
        ("a", "item-003", "order", 32.0),
    ]
    assert neighbours(fitted(rows, ViewedThenBought)) == {1: {2}}
    assert neighbours(fitted(rows, BoughtTogether)) == {0: {2}, 2: {0, 3}, 3: {2}}


def test_one_visitor_counts_once_however_often() -> None:
    once: list[Row] = [("a", "item-000", "view", 1.0), ("a", "item-001", "view", 1.0)]
    spam = once * 200
    assert fitted(spam, ViewedTogether).similar(0)[1].tolist() == fitted(once, ViewedTogether).similar(0)[1].tolist()
    crowd: list[Row] = [(name, item, kind, at) for name in ("b", "c") for _, item, kind, at in once]
    assert fitted([*once, *crowd], ViewedTogether).similar(0)[1] > fitted(spam, ViewedTogether).similar(0)[1]


def test_more_and_later_customers_make_stronger_neighbours() -> None:
    rows: list[Row] = []
    for customer, other, at in (("a", "1", 99.0), ("b", "1", 99.0), ("c", "2", 99.0), ("d", "3", 9.0)):
        rows += [(customer, "item-000", "order", at), (customer, f"item-00{other}", "order", at)]
    items, scores = fitted(rows, BoughtTogether).similar(0)
    strength = dict(zip(items.tolist(), scores.tolist(), strict=True))
    assert strength[1] > strength[2] > strength[3]


def test_only_the_strongest_neighbours_are_kept_and_reach_is_bounded() -> None:
    rows: list[Row] = [("a", f"item-00{n}", "view", 1.0 + n / 100) for n in range(6)]
    rows += [("b", "item-000", "view", 1.0), ("b", "item-001", "view", 1.0)]
    assert neighbours(fitted(rows, ViewedTogether, neighbours=1))[0] == {1}
    assert neighbours(fitted(rows, ViewedTogether, reach=2))[3] == {1, 2, 4, 5}


@pytest.mark.parametrize("source", RELATIONS)
def test_blocks_change_nothing(source: type[CoVisitation], monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    rows: list[Row] = [
        (f"c{random.integers(9)}", f"item-00{random.integers(6)}", KINDS[random.integers(3)], random.random() * 20)
        for _ in range(300)
    ]
    whole = fitted(rows, source).neighbours
    monkeypatch.setattr("recsys.retrieval.covisitation.neighbours.PAIRS_PER_BLOCK", 10)
    parts = fitted(rows, source).neighbours
    assert (whole != parts).nnz == 0
    assert whole.nnz > 0


PAIRS: list[Row] = [  # 0 with 1, 2 with 3; nobody joins the pairs
    (f"c{number}{seed}", f"item-00{item}", "order", 99.0)
    for number in range(5)
    for seed in (0, 2)
    for item in (seed, seed + 1)
]


def proposed(source: CoVisitation, asked: UserHistory) -> tuple[dict[int, float], dict[int, float]]:
    """What the source gives each item for the whole history, and for the session."""
    pool = CandidatePool.of(6, 2)
    source.retrieve(asked, np.ones(6, bool), pool, 0)
    size = int(pool.size[0])
    whole, session = (
        {int(pool.items[row]): float(column[row]) for row in range(size) if column[row]} for column in pool.scores
    )
    return whole, session


def test_neighbours_of_the_history_and_of_the_session_are_proposed_apart() -> None:
    bought = fitted(PAIRS, BoughtTogether)
    whole, session = proposed(bought, user([(0, ORDER, 3.0)], session=[(2, CART)]))
    assert set(whole) == {1, 3}
    assert set(session) == {3}


def test_a_neighbour_counts_by_the_interest_in_its_anchor() -> None:
    bought = fitted(PAIRS, BoughtTogether)
    whole, _ = proposed(bought, user([(2, ORDER, 30.0), (0, ORDER, 0.0)]))
    assert whole[3] == pytest.approx(whole[1] / 2)  # half of the interest is left
    assert whole[1] == pytest.approx(bought.similar(0)[1][0])  # the strongest seed counts in full


def test_in_a_session_the_item_in_view_counts_most() -> None:
    viewed = fitted(PAIRS, ViewedTogether)
    _, session = proposed(viewed, user([], session=[(2, VIEW), (0, VIEW)]))
    assert session[3] == pytest.approx(SESSION_DECAY * session[1])


def test_only_what_was_touched_in_the_relations_way_is_an_anchor() -> None:
    bought = fitted(PAIRS, BoughtTogether)
    assert proposed(bought, user([(0, VIEW, 1.0)], session=[(2, VIEW)])) == ({}, {})
    assert bought.strongest_seeds(user([(0, VIEW, 1.0)]), np.array([1])).tolist() == [-1]
    assert bought.strongest_seeds(user([(0, ORDER, 1.0)]), np.array([1])).tolist() == [0]


def test_few_anchors_are_the_weightiest() -> None:
    asked = user([(2, ORDER, 30.0), (0, ORDER, 0.0)])
    assert set(proposed(fitted(PAIRS, BoughtTogether, anchors=1), asked)[0]) == {1}


def test_the_strongest_anchor_is_the_one_that_gives_most() -> None:
    rows = [*PAIRS, *[(f"d{n}", f"item-00{item}", "order", 99.0) for n in range(9) for item in (4, 1)]]
    bought = fitted(rows, BoughtTogether)
    assert bought.strongest_seeds(user([(0, ORDER, 1.0), (4, ORDER, 1.0)]), np.array([1])).tolist() == [4]
    assert bought.strongest_seeds(user([(0, ORDER, 1.0), (4, ORDER, 200.0)]), np.array([1])).tolist() == [0]
    assert bought.strongest_seeds(user([(0, ORDER, 1.0)]), np.array([3])).tolist() == [-1]


def test_an_item_that_came_after_the_fit_is_nobodys_neighbour_and_does_no_harm() -> None:
    bought = fitted(PAIRS, BoughtTogether)
    pool = CandidatePool.of(9, 2)
    bought.retrieve(user([(8, ORDER, 1.0), (0, ORDER, 1.0)]), np.ones(9, bool), pool, 0)
    assert pool.scores[0, row_of(pool, 1)] > 0
    assert len(bought.similar(8)[0]) == 0
    assert bought.strongest_seeds(user([(8, ORDER, 1.0)]), np.array([1])).tolist() == [-1]
