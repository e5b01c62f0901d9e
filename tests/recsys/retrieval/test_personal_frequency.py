import numpy as np
import pytest

from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.personal_frequency import PersonalFrequency
from tests.recsys.stores import CART, ORDER, VIEW, user

EVERYTHING = np.ones(6, bool)
COLUMNS = [column.name for column in PersonalFrequency.columns(RecommendParameters())]


def said(asked: UserHistory) -> dict[int, dict[str, float]]:
    """What the source says of each item."""
    pool = CandidatePool.of(6, len(COLUMNS))
    PersonalFrequency().retrieve(asked, EVERYTHING, pool, 0)
    rows = range(int(pool.size[0]))
    return {int(pool.items[row]): dict(zip(COLUMNS, pool.scores[:, row].tolist(), strict=True)) for row in rows}


def test_it_speaks_of_the_shoppers_own_items_only() -> None:
    assert set(said(user([(4, VIEW, 9.0)], session=[(2, VIEW)]))) == {2, 4}
    assert said(user([])) == {}


def test_it_says_how_often_and_how_lately_each_was_touched() -> None:
    found = said(user([(4, ORDER, 19.0), (4, VIEW, 9.0), (2, CART, 4.0)]))
    assert (found[4]["view_count"], found[4]["cart_count"], found[4]["order_count"]) == (1, 0, 1)
    assert found[4]["recency"] == pytest.approx(1 / 10)
    assert found[4]["order_recency"] == pytest.approx(1 / 20)
    assert found[2]["order_recency"] == 0  # never


def test_what_happens_in_the_session_is_said_apart() -> None:
    found = said(user([(4, VIEW, 9.0)], session=[(2, VIEW), (1, VIEW), (2, VIEW), (0, VIEW)]))
    assert [found[item]["session_recency"] for item in (0, 2, 1, 4)] == [1, 1 / 2, pytest.approx(1 / 3), 0]
    assert [found[item]["session_count"] for item in (0, 2, 1, 4)] == [1, 2, 1, 0]


def test_a_later_and_stronger_interaction_shows_more_interest() -> None:
    found = said(user([(0, VIEW, 40.0), (1, VIEW, 2.0), (2, ORDER, 2.0)]))
    assert found[2]["interest"] > found[1]["interest"] > found[0]["interest"] > 0


def test_it_writes_from_its_own_column_on() -> None:
    pool = CandidatePool.of(6, len(COLUMNS) + 2)
    PersonalFrequency().retrieve(user([(3, VIEW, 1.0)]), EVERYTHING, pool, 2)
    assert pool.scores[:2, row_of(pool, 3)].tolist() == [0, 0]
    assert pool.scores[2, row_of(pool, 3)] > 0
