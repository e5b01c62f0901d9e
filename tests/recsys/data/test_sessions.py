"""The session log: sessions in the order of their end, and what may be read as of a moment."""

from itertools import pairwise

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.sessions import SESSION_GAP_SECONDS, SessionLog, session_starts
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


def sessions(log: SessionLog) -> list[list[int]]:
    return [log.items[a:b].tolist() for a, b in pairwise(log.offsets.tolist())]


def test_a_session_ends_with_a_pause_or_the_customer() -> None:
    assert SESSION_GAP_SECONDS == 3600
    assert session_starts(interactions(ROWS, ITEMS)).tolist() == [0, 2, 3, 4]
    just: list[Row] = [("a", "item-000", "view", 1.0), ("a", "item-001", "view", 1.0 + HOUR)]
    assert session_starts(interactions(just, ITEMS)).tolist() == [0]


def session_of(log: SessionLog, entry: int) -> int:
    """The session that an entry lies in."""
    return int(np.searchsorted(log.offsets, entry, side="right")) - 1


def test_sessions_lie_in_the_order_in_which_they_ended() -> None:
    log = SessionLog.of(interactions(ROWS, ITEMS))
    assert sessions(log) == [[3], [0, 1], [1], [2]]
    assert log.customers.tolist() == [1, 0, 1, 0]
    assert log.ends.tolist() == sorted(log.ends.tolist())
    assert log.kinds.tolist() == [0, 0, 2, 0, 0]
    assert log.sessions.tolist() == [session_of(log, entry) for entry in log.postings.tolist()]


def test_a_session_belongs_to_the_past_once_it_has_ended() -> None:
    log = SessionLog.of(interactions(ROWS, ITEMS))
    assert log.cutoff(int(10.0 * DAY)) == 1  # the session of that second is under way
    assert log.cutoff(int(log.ends[1])) == 1
    assert log.cutoff(int(log.ends[1]) + 1) == 2
    assert (log.cutoff(0), log.cutoff(99 * DAY)) == (0, 4)


def test_the_log_as_of_a_moment_is_the_log_of_what_had_ended() -> None:
    """No order of this store runs past a midnight."""
    everything = interactions(checkerboard(), Items.of(item_ids(40)))
    whole, past = SessionLog.of(everything), SessionLog.of(everything.before(30 * DAY))
    cutoff = whole.cutoff(30 * DAY)
    assert 0 < cutoff == len(past.ends) < len(whole.ends)
    assert sessions(whole)[:cutoff] == sessions(past)
    assert whole.customers[:cutoff].tolist() == past.customers.tolist()


def test_postings_name_the_entries_of_each_item_oldest_first() -> None:
    log = SessionLog.of(interactions(checkerboard(), Items.of(item_ids(40))))
    for item in range(40):
        postings = log.postings[log.item_offsets[item] : log.item_offsets[item + 1]]
        assert postings.tolist() == np.flatnonzero(log.items == item).tolist()
        own = log.sessions[log.item_offsets[item] : log.item_offsets[item + 1]]
        assert own.tolist() == [session_of(log, entry) for entry in postings.tolist()] == sorted(own.tolist())
    assert len(log.postings) == len(log.items)


def test_a_log_survives_its_arrays() -> None:
    log = SessionLog.of(interactions(ROWS, ITEMS))
    read = SessionLog.from_arrays(log.to_arrays())
    for mine, theirs in zip(log, read, strict=True):
        np.testing.assert_array_equal(mine, theirs)
