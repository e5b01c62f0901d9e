"""ItemTransitions: the strongest neighbours of each item, as of the fit."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.retrieval.session_knn.item_transitions import (
    NEIGHBOURS,
    READ_OCCURRENCES,
    STEP_DECAY,
    WINDOW,
    ItemTransitions,
)
from tests.recsys.stores import Row, item_ids, session, state


def of(rows: list[Row], count: int, known: int = -1) -> dict[int, dict[int, list[float]]]:
    """By item and neighbour: after, lately after, before, next."""
    log = state(rows, Items.of(item_ids(count)), 10_000).log
    found = ItemTransitions.of(log, len(log.ends) if known < 0 else known)
    spans = zip(found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True)
    return {
        item: dict(zip(found.items[start:stop].tolist(), found.sums[start:stop].tolist(), strict=True))
        for item, (start, stop) in enumerate(spans)
    }


def test_what_stands_around_a_place_is_summed_up() -> None:
    got = of(session("a", 1, 0, 1, 2), 4)
    after, lately, before, following = got[0][2]
    assert (after, before, following) == (pytest.approx(STEP_DECAY), 0.0, 0.0)
    assert 0 < lately < after
    assert got[1][0][2:] == [1.0, 0.0]
    assert got[1][2][3] == 1.0
    assert got[3] == {}


def test_what_is_further_than_the_window_is_not_a_neighbour() -> None:
    got = of(session("a", 1, *range(WINDOW + 2)), WINDOW + 2)
    assert set(got[0]) == set(range(1, WINDOW))


def test_only_sessions_known_at_the_fit_are_read() -> None:
    rows = [*session("a", 1, 0, 1), *session("b", 5, 0, 2)]
    assert set(of(rows, 3, known=1)[0]) == {1}
    assert set(of(rows, 3)[0]) == {1, 2}


def test_the_strongest_neighbours_are_kept() -> None:
    count = NEIGHBOURS + 10
    once = [row for item in range(1, count) for row in session(f"c{item}", item, 0, item)]
    again = [row for item in range(1, 6) for row in session(f"d{item}", count + item, 0, item)]
    got = of(once + again, count)[0]
    assert len(got) == NEIGHBOURS
    assert set(range(1, 6)) <= set(got)
    assert set(range(count - NEIGHBOURS + 5, count)) <= set(got)  # of equals those of the latest sessions


def test_the_latest_places_are_read() -> None:
    old = [row for n in range(3) for row in session(f"a{n}", n, 0, 1)]
    new = [row for n in range(READ_OCCURRENCES) for row in session(f"b{n}", 10 + n, 0, 2)]
    assert set(of(old + new, 3)[0]) == {2}
    assert set(of(old + new[:-2], 3)[0]) == {1, 2}


def test_arrays_are_written_and_read() -> None:
    log = state(session("a", 1, 0, 1, 2), Items.of(item_ids(4)), 100).log
    found = ItemTransitions.of(log, 1)
    for mine, theirs in zip(found, ItemTransitions.from_arrays(found.to_arrays()), strict=True):
        np.testing.assert_array_equal(mine, theirs)
