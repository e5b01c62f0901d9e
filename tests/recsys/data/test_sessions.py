"""The visit log: visits in the order of their end, and what may be read as of a moment."""

from itertools import pairwise

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.sessions import VISIT_GAP_SECONDS, VisitLog, visit_starts
from tests.recsys.stores import DAY, Row, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(6))
HOUR = 1 / 24
ROWS: list[Row] = [
    ("a", "item-000", "view", 10.0),
    ("a", "item-001", "order", 10.0 + HOUR / 2),
    ("a", "item-002", "view", 10.0 + 2 * HOUR),
    ("b", "item-003", "view", 5.0),
    ("b", "item-001", "view", 10.0 + HOUR),
]


def visits(log: VisitLog) -> list[list[int]]:
    return [log.items[a:b].tolist() for a, b in pairwise(log.offsets.tolist())]


def test_a_visit_ends_with_a_pause_or_the_customer() -> None:
    assert VISIT_GAP_SECONDS == 3600
    assert visit_starts(interactions(ROWS, ITEMS)).tolist() == [0, 2, 3, 4]
    just: list[Row] = [("a", "item-000", "view", 1.0), ("a", "item-001", "view", 1.0 + HOUR)]
    assert visit_starts(interactions(just, ITEMS)).tolist() == [0]


def visit_of(log: VisitLog, entry: int) -> int:
    """The visit that an entry lies in."""
    return int(np.searchsorted(log.offsets, entry, side="right")) - 1


def test_visits_lie_in_the_order_in_which_they_ended() -> None:
    log = VisitLog.of(interactions(ROWS, ITEMS))
    assert visits(log) == [[3], [0, 1], [1], [2]]
    assert log.customers.tolist() == [1, 0, 1, 0]
    assert log.ends.tolist() == sorted(log.ends.tolist())
    assert log.kinds.tolist() == [0, 0, 2, 0, 0]
    assert log.visits.tolist() == [visit_of(log, entry) for entry in log.postings.tolist()]


def test_a_visit_belongs_to_the_past_once_it_has_ended() -> None:
    log = VisitLog.of(interactions(ROWS, ITEMS))
    assert log.cutoff(int(10.0 * DAY)) == 1  # the visit of that second is under way
    assert log.cutoff(int(log.ends[1])) == 1
    assert log.cutoff(int(log.ends[1]) + 1) == 2
    assert (log.cutoff(0), log.cutoff(99 * DAY)) == (0, 4)


def test_the_log_as_of_a_moment_is_the_log_of_what_had_ended() -> None:
    """No order of this store runs past a midnight."""
    everything = interactions(checkerboard(), Items.of(item_ids(40)))
    whole, past = VisitLog.of(everything), VisitLog.of(everything.before(30 * DAY))
    cutoff = whole.cutoff(30 * DAY)
    assert 0 < cutoff == len(past.ends) < len(whole.ends)
    assert visits(whole)[:cutoff] == visits(past)
    assert whole.customers[:cutoff].tolist() == past.customers.tolist()


def test_postings_name_the_entries_of_each_item_oldest_first() -> None:
    log = VisitLog.of(interactions(checkerboard(), Items.of(item_ids(40))))
    for item in range(40):
        postings = log.postings[log.item_offsets[item] : log.item_offsets[item + 1]]
        assert postings.tolist() == np.flatnonzero(log.items == item).tolist()
        own = log.visits[log.item_offsets[item] : log.item_offsets[item + 1]]
        assert own.tolist() == [visit_of(log, entry) for entry in postings.tolist()] == sorted(own.tolist())
    assert len(log.postings) == len(log.items)


def test_a_log_survives_its_arrays() -> None:
    log = VisitLog.of(interactions(ROWS, ITEMS))
    read = VisitLog.from_arrays(log.to_arrays())
    for mine, theirs in zip(log, read, strict=True):
        np.testing.assert_array_equal(mine, theirs)
