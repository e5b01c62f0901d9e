"""Session items: counts, steps and gaps that can be read off a short session."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.ranking.session_features import COUNT_DECAY, SessionFeatures
from tests.recsys.stores import VIEW, Row, item_ids, session, state, user

COUNT = 10
NOTHING: list[Row] = []
Said = dict[str, float]


def said(rows: list[Row], candidate: int, *recent: int, cutoff: int = -1) -> Said:
    """Of one candidate in a session under way, as of the first `cutoff` sessions; -1: all."""
    fitted = state(rows, Items.of(item_ids(COUNT)), 2_000)
    seen = len(fitted.log.ends) if cutoff < 0 else cutoff
    found = described(fitted.log, asked(seen, *recent), [9, candidate])
    return {name: column[1] for name, column in found.items()}


def described(log: SessionLog, user: UserHistory, candidates: list[int]) -> dict[str, list[float]]:
    """By feature, the value of each candidate."""
    out = np.full((len(SessionFeatures.names), len(candidates)), np.nan, np.float32)
    SessionFeatures(log).score_candidates(user, np.array(candidates), out)
    assert np.isfinite(out).all()
    return dict(zip(SessionFeatures.names, out.tolist(), strict=True))


def asked(cutoff: int, *recent: int) -> UserHistory:
    return user([], session=[(item, VIEW) for item in recent], cutoff=cutoff)


IN_SESSION = ("is_last", "steps_since", "items_since", "first_step", "previous_gap", "run_length", "followed_last")


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (1, (1, 0, 0, 0, 2, 1, 0)),
        (3, (0, 1, 1, 3, -1, 1, 1)),
        (2, (0, 3, 2, 1, -1, 1, 1)),
        (7, (0, -1, -1, -1, -1, 0, 0)),
    ],
)
def test_how_a_candidate_stands_in_the_session(candidate: int, expected: tuple[float, ...]) -> None:
    found = said(NOTHING, candidate, 1, 2, 1, 3, 1)
    assert tuple(found[name] for name in IN_SESSION) == expected


@pytest.mark.parametrize(
    ("candidate", "count", "share", "difference"),
    [
        (1, 1 + COUNT_DECAY**2 + COUNT_DECAY**4, 0, -2),
        (3, COUNT_DECAY, 1 / 3, -99),
        (2, COUNT_DECAY**3, 1 / 3, -99),
        (7, 0, 0, -99),
    ],
)
def test_how_often_and_after_what(candidate: int, count: float, share: float, difference: float) -> None:
    found = said(NOTHING, candidate, 1, 2, 1, 3, 1)
    assert found["decayed_count"] == pytest.approx(count)
    assert found["followed_last_share"] == pytest.approx(share)
    assert found["gap_difference"] == difference


def test_a_run_is_what_was_touched_several_times_in_a_row() -> None:
    run = said(NOTHING, 5, 4, 5, 5)
    assert tuple(run[name] for name in IN_SESSION) == (1, 0, 0, 1, 1, 2, 1)
    assert said(NOTHING, 5, 5, 5, 4)["run_length"] == 2
    assert said(NOTHING, 5, 5, 4, 5)["run_length"] == 1


OF_SESSION = (
    "session_steps",
    "session_items",
    "session_item_share",
    "last_returned",
    "last_repeats_previous",
    "late_returns",
    "last_run",
    "last_return_gap",
)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        ((1,), (1, 1, 1, 0, 0, 0, 1, 0)),
        ((4, 5, 5), (3, 2, 2 / 3, 1, 1, 1, 2, 1)),
        ((1, 2, 1, 3, 1), (5, 3, 3 / 5, 1, 0, 2, 1, 2)),
        ((1, 1, 2, 3, 4, 5, 6), (7, 6, 6 / 7, 0, 0, 0, 1, 0)),  # it came back too long ago to be late
    ],
)
def test_what_kind_of_session_it_is_whoever_is_judged(recent: tuple[int, ...], expected: tuple[float, ...]) -> None:
    for candidate in (1, 7):
        found = said(NOTHING, candidate, *recent)
        assert tuple(found[name] for name in OF_SESSION) == pytest.approx(expected)


OTHERS = [*session("a", 1, 0, 1), *session("b", 2, 1), *session("c", 3, 1, 2)]


def test_how_often_others_took_it() -> None:
    found = said(OTHERS, 1, 0)
    assert found["seen"] == 3
    assert [found[name] for name in ("seen_lately", "seen_in_20th", "seen_in_5th")] == pytest.approx([600.0] * 3)
    assert (found["first_seen"], found["last_seen"]) == (3, 1)
    assert found["seen_of_last"] == pytest.approx((3 + 1) / (1 + 1))
    never = said(OTHERS, 5, 0)
    assert [never[name] for name in ("seen", "seen_in_5th", "first_seen", "last_seen")] == [0, 0, -1, -1]
    assert never["rise"] == 1.0


def test_sessions_that_had_not_ended_are_not_counted() -> None:
    for cutoff, expected in ((0, 0), (1, 1), (2, 2), (3, 3)):
        assert said(OTHERS, 1, 0, cutoff=cutoff)["seen"] == expected
    early = OTHERS[:2]
    assert said(OTHERS, 1, 0, cutoff=1) == said(early, 1, 0)
    assert said(OTHERS, 1, 0, cutoff=2) != said(early, 1, 0)


def test_what_rises_is_told_from_what_falls() -> None:
    rows = [row for n in range(1200) for row in session(f"c{n:04d}", n, 0 if n < 300 else 1 if n >= 1100 else 2)]
    falling, rising = said(rows, 0, 2), said(rows, 1, 2)
    assert falling["rise"] < 1 < rising["rise"]
    assert (falling["seen_lately"], rising["seen_lately"]) == (0, 500)  # of the last two hundred sessions
    assert (falling["seen_in_20th"], rising["seen_in_20th"]) == (100, 100)  # of the last thousand
    assert (falling["seen_in_5th"], rising["seen_in_5th"]) == pytest.approx((250, 1000 / 12))


def test_without_a_session_the_latest_history_takes_its_place() -> None:
    log = state(OTHERS, Items.of(item_ids(COUNT)), 100).log
    history = user([(0, VIEW, 9.0), (1, VIEW, 2.0)], cutoff=3)
    assert described(log, history, [0, 1]) == described(log, asked(3, 0, 1), [0, 1])


def test_a_cold_start_user_has_no_session_features() -> None:
    log = state(OTHERS, Items.of(item_ids(COUNT)), 100).log
    assert not any(map(any, described(log, user([], cutoff=3), [0, 1]).values()))
    assert any(map(any, described(log, asked(3, 0), [0, 1]).values()))


def test_items_that_came_after_the_fit_were_never_seen() -> None:
    fitted = state(OTHERS, Items.of(item_ids(COUNT)), 100)
    found = described(fitted.log.resized(COUNT + 3), asked(3, COUNT + 2, 1), [COUNT + 2, 1])
    assert found["seen"] == [0, 3]
    assert found["steps_since"] == [1, 0]
