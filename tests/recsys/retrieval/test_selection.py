"""The best of each column of the pool."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.selection import best_rows, rank_threshold, selected_rows
from tests.recsys.retrieval.test_candidate_pool import written


def best(pool: CandidatePool, limits: list[int], eligible: np.ndarray | None = None) -> dict[int, int]:
    """The selecting columns of each selected item, as bits, when every column selects."""
    allowed = np.ones(len(pool.item_rows), bool) if eligible is None else eligible
    rows, selected_by = selected_rows(pool, allowed, np.arange(len(limits)), np.array(limits))
    return dict(zip(pool.items[rows].tolist(), selected_by.tolist(), strict=True))


def test_each_column_nominates_its_best_and_says_so() -> None:
    pool = written({4: [3.0, 0.0], 5: [2.0, 1.0], 6: [1.0, 9.0]})
    assert best(pool, [1, 1]) == {4: 0b01, 6: 0b10}
    assert best(pool, [2, 2]) == {4: 0b01, 5: 0b11, 6: 0b10}


def test_nothing_is_nominated_by_a_column_that_says_nothing_of_it() -> None:
    assert best(written({4: [0.0, 0.0], 5: [0.0, 1.0]}), [9, 9]) == {5: 0b10}


def test_an_item_that_may_not_be_shown_takes_nobodys_place() -> None:
    pool = written({4: [3.0, 0.0], 5: [2.0, 0.0], 6: [1.0, 0.0]})
    eligible = np.ones(10, bool)
    eligible[4] = False
    assert best(pool, [1, 1], eligible) == {5: 0b01}


def test_of_equal_scores_the_first_written_stays() -> None:
    assert best(written({8: [1.0, 0.0], 2: [1.0, 0.0], 5: [1.0, 0.0]}), [2, 0]) == {8: 0b01, 2: 0b01}


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(1, 8))
def test_the_best_of_a_column_are_what_sorting_would_give(values: list[int], limit: int) -> None:
    pool = written({item: [float(value), 0.0] for item, value in enumerate(values)}, items=20)
    positive = [item for item, value in enumerate(values) if value]
    expected = sorted(positive, key=lambda item: -values[item])[:limit]
    assert set(best(pool, [limit])) == set(expected)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(1, 8))
def test_the_least_rank_is_reached_by_the_best_and_their_equals_alone(values: list[int], limit: int) -> None:
    numbers = np.array(values, np.float32)
    reaching = numbers[numbers.view(np.int32) >= rank_threshold(numbers, limit)]
    last = sorted(values, reverse=True)[:limit][-1]
    assert sorted(reaching.tolist()) == sorted(value for value in values if value >= max(last, 1))


@given(st.lists(st.integers(0, 6), max_size=20), st.integers(1, 8))
def test_the_best_rows_come_in_their_order(values: list[int], limit: int) -> None:
    rows = [row for row, value in enumerate(values) if value]
    expected = sorted(rows, key=lambda row: -values[row])[:limit]
    assert best_rows(np.array(values, np.float32), limit).tolist() == expected
