"""Visit neighbours: what stands around the shopper's items in the visits that had ended by then."""

import math
from dataclasses import replace

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.user_history import Shopper
from recsys.retrieval.session_knn.item_transitions import STEP_DECAY, Followers
from recsys.retrieval.session_knn.source import ANCHOR_DECAY, VisitNeighbours, latest_distinct
from tests.recsys.stores import DAY, SMALL, VIEW, Row, item_ids, proposals, shopper, state, visit

COUNT = 8
Found = dict[str, dict[int, float]]


def found(rows: list[Row], *recent: int, cutoff: int = -1) -> Found:
    """Of a visit under way with the recent items, as of the first `cutoff` visits; -1: all."""
    log = state(rows, Items.of(item_ids(COUNT)), 100).log
    seen = len(log.ends) if cutoff < 0 else cutoff
    return proposals(VisitNeighbours(log, {seen: Followers.of(log, seen)}), asked(seen, *recent), COUNT)


def asked(cutoff: int, *recent: int) -> Shopper:
    return shopper([], visit=[(item, VIEW) for item in recent], cutoff=cutoff)


def test_what_followed_is_told_from_what_preceded() -> None:
    rows = [row for n in range(5) for row in visit(f"c{n}", n, 0, 1, 2)]
    after, last = found(rows, 0, 1), found(rows, 2)
    assert set(found(rows, 1)["followers"]) == {2}
    assert after["next_of_last"] == {2: 5.0}
    assert after["next_of_pair"] == {2: 5.0}
    assert found(rows, 1, 0)["next_of_pair"] == {}  # nobody came to the first from the second
    assert last["followers"] == last["next_of_last"] == last["aligned_after"] == {}
    assert set(last["predecessors"]) == {0, 1}
    assert last["predecessors"][1] > last["predecessors"][0]


def test_scores_are_as_worked_out_by_hand() -> None:
    got = found(visit("a", 1, 3, 0, 1, 2), 0)
    share, root = 1 / (1 + 3), 1 / math.sqrt(1 + 1)
    assert got["followers"] == pytest.approx({1: share, 2: share * STEP_DECAY})
    assert got["predecessors"] == pytest.approx({3: share})
    damping = math.sqrt(1 + 5)
    assert got["visit_cosine"] == pytest.approx({1: root / damping, 2: root * STEP_DECAY / damping, 3: root / damping})
    assert got["followers_of_last"] == pytest.approx({1: 1.0, 2: STEP_DECAY})
    assert got["predecessors_of_last"] == {3: 1.0}
    recency = 0.5 + math.exp(-1 / 1.1)
    whole = math.log1p(1 / 2) * recency / math.sqrt(4 + 2)
    assert got["visits"] == pytest.approx(dict.fromkeys((0, 1, 2, 3), whole), rel=1e-5)
    assert got["aligned_after"] == pytest.approx({1: whole, 2: whole * math.exp(-1 / 2)}, rel=1e-5)
    assert got["aligned_before"] == pytest.approx({3: whole}, rel=1e-5)


def test_a_later_visit_changes_nothing_and_an_earlier_one_does() -> None:
    early, late = visit("a", 1, 0, 1, 5), visit("b", 5, 0, 2, 1, 6)
    assert found([*early, *late], 0, cutoff=1) == found(early, 0)
    assert found([*early, *late], 0, cutoff=2) != found(early, 0)
    assert 2 in found([*early, *late], 0, cutoff=2)["followers"]
    other = visit("a", 1, 0, 3, 5)
    assert found([*other, *late], 0, cutoff=1) != found([*early, *late], 0, cutoff=1)


def test_a_visit_counts_once_it_has_ended() -> None:
    log = state([*visit("a", 1, 0, 1), *visit("b", 5, 0, 2)], Items.of(item_ids(COUNT)), 100).log
    assert [log.cutoff(int(day * DAY)) for day in (1.0, 3.0, 9.0)] == [0, 1, 2]


def test_the_latest_item_of_the_visit_speaks_loudest() -> None:
    rows = [*visit("a", 1, 0, 2), *visit("b", 2, 1, 3)]
    for first, last, quiet, loud in ((0, 1, 2, 3), (1, 0, 3, 2)):
        got = found(rows, first, last)
        assert got["followers"][quiet] / got["followers"][loud] == pytest.approx(ANCHOR_DECAY)
        assert set(got["followers_of_last"]) == {loud}
        assert set(got["followers_of_previous"]) == {quiet}


def test_what_followed_lately_counts_more_than_what_followed_long_ago() -> None:
    past = [row for n in range(20) for row in visit(f"p{n:02d}", n, 0, 2)]
    rows = [*past, *(row for n in range(20) for row in visit(f"q{n:02d}", 30 + n, 0, 3))]
    got = found(rows, 0)
    assert got["followers"][2] == pytest.approx(got["followers"][3])
    assert got["recent_followers"][3] > 2 * got["recent_followers"][2] > 0


def test_visits_with_more_of_the_same_items_weigh_more() -> None:
    rows = [*visit("a", 1, 0, 1, 2), *visit("b", 1.5, 0, 5, 3), *visit("c", 2, 0, 6, 4)]
    got = found(rows, 0, 1)["visits"]
    assert got[2] > got[3]
    alone = found(rows, 0)["visits"]  # without the second item the later visit is the nearer
    assert alone[3] > alone[2]


def test_an_item_that_a_visit_holds_often_makes_it_no_nearer() -> None:
    once = math.log1p(1 / (3 + 1)) * (0.5 + math.exp(-1 / 1.1)) / math.sqrt(4 + 2)
    assert found(visit("a", 1, 0, 0, 0, 2), 0)["visits"][2] == pytest.approx(once, rel=1e-5)


def test_visits_are_aligned_at_their_latest_common_item() -> None:
    got = found(visit("a", 1, 0, 2, 1, 3), 0, 1)
    assert set(got["aligned_after"]) == {3}
    assert set(got["aligned_before"]) == {0, 2}
    assert set(found(visit("a", 1, 0, 2, 1, 3), 0)["aligned_after"]) == {1, 2, 3}


def test_a_second_step_reaches_what_never_was_in_a_visit_with_the_shoppers() -> None:
    first, second = visit("a", 1, 4, 0, 1), visit("b", 2, 3, 1, 2)
    got = found([*first, *second], 0)
    assert {2, 3}.isdisjoint(got["followers"] | got["visits"] | got["predecessors"])
    assert 2 in got["second_followers"]
    assert 3 in got["second_predecessors"]
    alone = found(first, 0)
    assert {2, 3}.isdisjoint(alone["second_followers"] | alone["second_predecessors"])
    assert 2 not in found([*first, *second], 0, cutoff=1)["second_followers"]


def test_a_request_leaves_nothing_behind_for_the_next() -> None:
    random = np.random.default_rng(0)
    rows = [row for n in range(60) for row in visit(f"c{n:02d}", n, *random.integers(0, COUNT, 5).tolist())]
    source = VisitNeighbours.fit(state(rows, Items.of(item_ids(COUNT)), 100))
    first = proposals(source, asked(60, 1, 2), COUNT)
    other = proposals(source, asked(40, 3, 1, 5), COUNT)
    assert proposals(source, asked(60, 1, 2), COUNT) == first != other
    fresh = VisitNeighbours.fit(state(rows, Items.of(item_ids(COUNT)), 100))
    assert proposals(fresh, asked(40, 3, 1, 5), COUNT) == other


def test_without_a_visit_the_latest_history_takes_its_place() -> None:
    rows = [*visit("a", 1, 0, 2), *visit("b", 2, 1, 3)]
    source = VisitNeighbours.fit(state(rows, Items.of(item_ids(COUNT)), 100))
    history = shopper([(0, VIEW, 9.0), (1, VIEW, 2.0)], cutoff=2)
    assert proposals(source, history, COUNT) == proposals(source, asked(2, 0, 1), COUNT)


def test_strangers_an_empty_log_and_unknown_items_get_nothing() -> None:
    rows = visit("a", 1, 0, 1)
    for got in (found(rows), found(rows, 0, cutoff=0), found([], 0), found(rows, 5)):
        assert not any(got.values())
    assert found(rows, 0)["followers"]


def test_items_that_came_after_the_fit_do_no_harm() -> None:
    fitted = state(visit("a", 1, 0, 1), Items.of(item_ids(COUNT)), 100)
    grown = VisitNeighbours.fit(fitted).grown(Items.of(item_ids(COUNT + 4)), fitted.counters)
    assert set(proposals(grown, asked(1, COUNT + 3, 0, COUNT), COUNT + 4)["followers"]) == {1}
    assert not any(proposals(grown, asked(1, COUNT + 3), COUNT + 4).values())


def test_what_is_written_and_read_proposes_the_same() -> None:
    fitted = state([*visit("a", 1, 0, 1, 2), *visit("b", 1, 2, 0, 1)], Items.of(item_ids(COUNT)), 100)
    source = VisitNeighbours.fit(fitted)
    read = VisitNeighbours.from_arrays(fitted.log.to_arrays() | source.to_arrays(), SMALL)
    assert proposals(read, asked(2, 0), COUNT) == proposals(source, asked(2, 0), COUNT)
    assert proposals(read, asked(2, 0), COUNT)["followers"]


@pytest.mark.parametrize(("limit", "expected"), [(9, [3, 1, 2]), (2, [3, 1]), (1, [3])])
def test_the_latest_distinct_items_come_latest_first(limit: int, expected: list[int]) -> None:
    assert latest_distinct(np.array([1, 2, 1, 3, 3], np.int32), limit).tolist() == expected
    assert latest_distinct(np.zeros(0, np.int32), limit).tolist() == []


def test_followers_are_renewed_over_the_visits_after_the_fit() -> None:
    """The last of sixteen visits is known by the fourteenth at the latest, and never before it ended."""
    rows = [row for n in range(16) for row in visit(f"c{n:02d}", 1 + n, 0, 1 + n % 7)]
    fitted = state(rows, Items.of(item_ids(COUNT)), 100)
    source = VisitNeighbours.fit(replace(fitted, now=int(1.5 * DAY)))
    for cutoff in range(1, 17):
        got = set(proposals(source, asked(cutoff, 0), COUNT)["followers"])
        assert got <= {1 + n % 7 for n in range(cutoff)}
        assert got >= {1 + n % 7 for n in range(cutoff - 2)}
    assert set(found(rows, 0, cutoff=1)["followers"]) == {1}
