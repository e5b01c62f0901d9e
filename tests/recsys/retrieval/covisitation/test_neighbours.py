"""Neighbours of a relation: which interactions are paired, and the cosines that follow."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.retrieval.covisitation.neighbours import SHRINKAGE, Relation, rows_to_csr, strongest_neighbours
from tests.recsys.stores import SMALL, Row, item_ids, state

ITEMS = Items.of(item_ids(4))
NOW = 100.0


def relation(any_order: bool = True, window_days: float = 1.0) -> Relation:
    return Relation(("view",), ("view",), window_days, any_order, reason="", similar_reason="")


def cosines(rows: list[Row], paired: Relation) -> dict[tuple[int, int], float]:
    matrix = strongest_neighbours(paired, state(rows, ITEMS, NOW)).tocoo()
    return dict(zip(zip(matrix.row.tolist(), matrix.col.tolist(), strict=True), matrix.data.tolist(), strict=True))


def views(*days: float) -> list[Row]:
    return [("a", f"item-{number:03d}", "view", day) for number, day in enumerate(days)]


def test_the_cosine_of_one_customers_pair_is_shrunk() -> None:
    found = cosines(views(99.0, 99.5), relation())
    first, second = (2.0 ** (-age / SMALL.pair_half_life_days) for age in (1.0, 0.5))
    expected = np.sqrt(first * second / ((first + SHRINKAGE) * (second + SHRINKAGE)))
    assert found == pytest.approx({(0, 1): expected, (1, 0): expected}, rel=1e-5)


def test_a_pair_must_lie_within_the_window() -> None:
    assert cosines(views(97.0, 99.0), relation()) == {}
    assert set(cosines(views(97.0, 99.0), relation(window_days=3.0))) == {(0, 1), (1, 0)}


def test_in_one_direction_only_what_came_after_is_a_neighbour() -> None:
    assert set(cosines(views(99.0, 99.5), relation(any_order=False))) == {(0, 1)}


def test_two_customers_are_never_paired() -> None:
    assert cosines([("a", "item-000", "view", 99.0), ("b", "item-001", "view", 99.0)], relation()) == {}


def test_sorted_entries_become_a_matrix() -> None:
    matrix = rows_to_csr(np.array([0, 2, 2]), np.array([1, 0, 2]), np.array([5.0, 6.0, 7.0], np.float32), (3, 3))
    assert matrix.toarray().tolist() == [[0, 5, 0], [0, 0, 0], [6, 0, 7]]
