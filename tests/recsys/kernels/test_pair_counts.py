"""Pair counts: sums, minima and the best of each row, against plain Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.kernels.pair_counts import Pairs, find, ragged, top_of_rows

ENTRIES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(1, 9)), max_size=40)


@given(ENTRIES)
def test_sums_and_minima_agree_with_a_dictionary(entries: list[tuple[int, int, int]]) -> None:
    rows, columns, values = (np.array([e[part] for e in entries], np.int64) for part in range(3))
    pairs = Pairs.of(rows, columns, 7)
    expected: dict[tuple[int, int], list[int]] = {}
    for row, column, value in entries:
        expected.setdefault((row, column), []).append(value)
    assert list(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True)) == sorted(expected)
    assert pairs.sums(values).tolist() == [sum(expected[key]) for key in sorted(expected)]
    assert pairs.minima(values).tolist() == [min(expected[key]) for key in sorted(expected)]


@given(ENTRIES, st.integers(1, 5))
def test_the_top_of_each_row_is_what_sorting_would_give(entries: list[tuple[int, int, int]], limit: int) -> None:
    entries = sorted(entries)
    rows, values = (np.array([e[part] for e in entries], np.int64) for part in (0, 2))
    chosen = top_of_rows(rows, values, limit).tolist()
    expected: list[int] = []
    for row in sorted(set(rows.tolist())):
        places = [place for place in range(len(rows)) if rows[place] == row]
        expected += sorted(sorted(places, key=lambda place: -values[place])[:limit])
    assert chosen == expected


def test_find_returns_minus_one_for_a_key_that_is_missing() -> None:
    places = find(np.array([2, 5, 9]), np.array([5, 1, 10, 9]))
    assert places.tolist() == [1, -1, -1, 2]
    assert find(np.array([], np.int64), np.array([3])).tolist() == [-1]


def test_ragged_slices_have_their_rows_and_positions() -> None:
    rows, places = ragged(np.array([10, 0, 5]), np.array([2, 0, 3]))
    assert rows.tolist() == [0, 0, 2, 2, 2]
    assert places.tolist() == [10, 11, 5, 6, 7]
