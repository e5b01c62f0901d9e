"""Session neighbours: what stands around the user's items in the sessions that had ended by then."""

import math
from dataclasses import replace

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.retrieval.session_knn.item_transitions import STEP_DECAY, ItemTransitions
from recsys.retrieval.session_knn.source import SEED_DECAY, SessionKNN, latest_distinct
from tests.recsys.stores import DAY, SMALL, VIEW, Row, item_ids, retrieved_scores, session, state, user

COUNT = 8
Found = dict[str, dict[int, float]]


def found(rows: list[Row], *recent: int, cutoff: int = -1) -> Found:
    """Of a session under way with the recent items, as of the first `cutoff` sessions; -1: all."""
    log = state(rows, Items.of(item_ids(COUNT)), 100).log
    seen = len(log.ends) if cutoff < 0 else cutoff
    return retrieved_scores(SessionKNN(log, {seen: ItemTransitions.of(log, seen)}), asked(seen, *recent), COUNT)


def asked(cutoff: int, *recent: int) -> UserHistory:
    return user([], session=[(item, VIEW) for item in recent], cutoff=cutoff)


def test_what_followed_is_told_from_what_preceded() -> None:
    rows = [row for n in range(5) for row in session(f"c{n}", n, 0, 1, 2)]
    after, last = found(rows, 0, 1), found(rows, 2)
    assert set(found(rows, 1)["transitions"]) == {2}
    assert after["next_of_last"] == {2: 5.0}
    assert after["next_of_pair"] == {2: 5.0}
    assert found(rows, 1, 0)["next_of_pair"] == {}  # nobody came to the first from the second
    assert last["transitions"] == last["next_of_last"] == last["aligned_after"] == {}
    assert set(last["reverse_transitions"]) == {0, 1}
    assert last["reverse_transitions"][1] > last["reverse_transitions"][0]


def test_scores_are_as_worked_out_by_hand() -> None:
    got = found(session("a", 1, 3, 0, 1, 2), 0)
    share, root = 1 / (1 + 3), 1 / math.sqrt(1 + 1)
    assert got["transitions"] == pytest.approx({1: share, 2: share * STEP_DECAY})
    assert got["reverse_transitions"] == pytest.approx({3: share})
    damping = math.sqrt(1 + 5)
    assert got["transition_cosine"] == pytest.approx(
        {1: root / damping, 2: root * STEP_DECAY / damping, 3: root / damping}
    )
    assert got["transitions_of_last"] == pytest.approx({1: 1.0, 2: STEP_DECAY})
    assert got["reverse_transitions_of_last"] == {3: 1.0}
    recency = 0.5 + math.exp(-1 / 1.1)
    whole = math.log1p(1 / 2) * recency / math.sqrt(4 + 2)
    assert got["session_knn"] == pytest.approx(dict.fromkeys((0, 1, 2, 3), whole), rel=1e-5)
    assert got["aligned_after"] == pytest.approx({1: whole, 2: whole * math.exp(-1 / 2)}, rel=1e-5)
    assert got["aligned_before"] == pytest.approx({3: whole}, rel=1e-5)


def test_a_later_session_changes_nothing_and_an_earlier_one_does() -> None:
    early, late = session("a", 1, 0, 1, 5), session("b", 5, 0, 2, 1, 6)
    assert found([*early, *late], 0, cutoff=1) == found(early, 0)
    assert found([*early, *late], 0, cutoff=2) != found(early, 0)
    assert 2 in found([*early, *late], 0, cutoff=2)["transitions"]
    other = session("a", 1, 0, 3, 5)
    assert found([*other, *late], 0, cutoff=1) != found([*early, *late], 0, cutoff=1)


def test_a_session_counts_once_it_has_ended() -> None:
    log = state([*session("a", 1, 0, 1), *session("b", 5, 0, 2)], Items.of(item_ids(COUNT)), 100).log
    assert [log.cutoff(int(day * DAY)) for day in (1.0, 3.0, 9.0)] == [0, 1, 2]


def test_the_latest_item_of_the_session_speaks_loudest() -> None:
    rows = [*session("a", 1, 0, 2), *session("b", 2, 1, 3)]
    for first, last, quiet, loud in ((0, 1, 2, 3), (1, 0, 3, 2)):
        got = found(rows, first, last)
        assert got["transitions"][quiet] / got["transitions"][loud] == pytest.approx(SEED_DECAY)
        assert set(got["transitions_of_last"]) == {loud}
        assert set(got["transitions_of_previous"]) == {quiet}


def test_what_followed_lately_counts_more_than_what_followed_long_ago() -> None:
    past = [row for n in range(20) for row in session(f"p{n:02d}", n, 0, 2)]
    rows = [*past, *(row for n in range(20) for row in session(f"q{n:02d}", 30 + n, 0, 3))]
    got = found(rows, 0)
    assert got["transitions"][2] == pytest.approx(got["transitions"][3])
    assert got["recent_transitions"][3] > 2 * got["recent_transitions"][2] > 0


def test_sessions_with_more_of_the_same_items_weigh_more() -> None:
    rows = [*session("a", 1, 0, 1, 2), *session("b", 1.5, 0, 5, 3), *session("c", 2, 0, 6, 4)]
    got = found(rows, 0, 1)["session_knn"]
    assert got[2] > got[3]
    alone = found(rows, 0)["session_knn"]  # without the second item the later session is the nearer
    assert alone[3] > alone[2]


def test_an_item_that_a_session_holds_often_makes_it_no_nearer() -> None:
    once = math.log1p(1 / (3 + 1)) * (0.5 + math.exp(-1 / 1.1)) / math.sqrt(4 + 2)
    assert found(session("a", 1, 0, 0, 0, 2), 0)["session_knn"][2] == pytest.approx(once, rel=1e-5)


def test_sessions_are_aligned_at_their_latest_common_item() -> None:
    got = found(session("a", 1, 0, 2, 1, 3), 0, 1)
    assert set(got["aligned_after"]) == {3}
    assert set(got["aligned_before"]) == {0, 2}
    assert set(found(session("a", 1, 0, 2, 1, 3), 0)["aligned_after"]) == {1, 2, 3}


def test_a_second_step_reaches_what_never_was_in_a_session_with_the_shoppers() -> None:
    first, second = session("a", 1, 4, 0, 1), session("b", 2, 3, 1, 2)
    got = found([*first, *second], 0)
    assert {2, 3}.isdisjoint(got["transitions"] | got["session_knn"] | got["reverse_transitions"])
    assert 2 in got["two_hop_transitions"]
    assert 3 in got["two_hop_reverse_transitions"]
    alone = found(first, 0)
    assert {2, 3}.isdisjoint(alone["two_hop_transitions"] | alone["two_hop_reverse_transitions"])
    assert 2 not in found([*first, *second], 0, cutoff=1)["two_hop_transitions"]


def test_a_request_leaves_nothing_behind_for_the_next() -> None:
    random = np.random.default_rng(0)
    rows = [row for n in range(60) for row in session(f"c{n:02d}", n, *random.integers(0, COUNT, 5).tolist())]
    source = SessionKNN.fit(state(rows, Items.of(item_ids(COUNT)), 100))
    first = retrieved_scores(source, asked(60, 1, 2), COUNT)
    other = retrieved_scores(source, asked(40, 3, 1, 5), COUNT)
    assert retrieved_scores(source, asked(60, 1, 2), COUNT) == first != other
    fresh = SessionKNN.fit(state(rows, Items.of(item_ids(COUNT)), 100))
    assert retrieved_scores(fresh, asked(40, 3, 1, 5), COUNT) == other


def test_without_a_session_the_latest_history_takes_its_place() -> None:
    rows = [*session("a", 1, 0, 2), *session("b", 2, 1, 3)]
    source = SessionKNN.fit(state(rows, Items.of(item_ids(COUNT)), 100))
    history = user([(0, VIEW, 9.0), (1, VIEW, 2.0)], cutoff=2)
    assert retrieved_scores(source, history, COUNT) == retrieved_scores(source, asked(2, 0, 1), COUNT)


def test_cold_start_users_an_empty_log_and_unknown_items_get_nothing() -> None:
    rows = session("a", 1, 0, 1)
    for got in (found(rows), found(rows, 0, cutoff=0), found([], 0), found(rows, 5)):
        assert not any(got.values())
    assert found(rows, 0)["transitions"]


def test_items_that_came_after_the_fit_do_no_harm() -> None:
    fitted = state(session("a", 1, 0, 1), Items.of(item_ids(COUNT)), 100)
    resized = SessionKNN.fit(fitted).resized(Items.of(item_ids(COUNT + 4)), fitted.counters)
    assert set(retrieved_scores(resized, asked(1, COUNT + 3, 0, COUNT), COUNT + 4)["transitions"]) == {1}
    assert not any(retrieved_scores(resized, asked(1, COUNT + 3), COUNT + 4).values())


def test_what_is_written_and_read_proposes_the_same() -> None:
    fitted = state([*session("a", 1, 0, 1, 2), *session("b", 1, 2, 0, 1)], Items.of(item_ids(COUNT)), 100)
    source = SessionKNN.fit(fitted)
    read = SessionKNN.from_arrays(fitted.log.to_arrays() | source.to_arrays(), SMALL)
    assert retrieved_scores(read, asked(2, 0), COUNT) == retrieved_scores(source, asked(2, 0), COUNT)
    assert retrieved_scores(read, asked(2, 0), COUNT)["transitions"]


@pytest.mark.parametrize(("limit", "expected"), [(9, [3, 1, 2]), (2, [3, 1]), (1, [3])])
def test_the_latest_distinct_items_come_latest_first(limit: int, expected: list[int]) -> None:
    assert latest_distinct(np.array([1, 2, 1, 3, 3], np.int32), limit).tolist() == expected
    assert latest_distinct(np.zeros(0, np.int32), limit).tolist() == []


def test_transitions_are_counted_again_over_the_sessions_after_the_fit() -> None:
    """The last of sixteen sessions is known by the fourteenth at the latest, and never before it ended."""
    rows = [row for n in range(16) for row in session(f"c{n:02d}", 1 + n, 0, 1 + n % 7)]
    fitted = state(rows, Items.of(item_ids(COUNT)), 100)
    source = SessionKNN.fit(replace(fitted, now=int(1.5 * DAY)))
    for cutoff in range(1, 17):
        got = set(retrieved_scores(source, asked(cutoff, 0), COUNT)["transitions"])
        assert got <= {1 + n % 7 for n in range(cutoff)}
        assert got >= {1 + n % 7 for n in range(cutoff - 2)}
    assert set(found(rows, 0, cutoff=1)["transitions"]) == {1}
