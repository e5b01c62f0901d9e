import numpy as np
import pytest

from recsys.data.user_history import Shopper
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import Board, slot_of
from recsys.retrieval.personal_frequency import History
from tests.recsys.stores import CART, ORDER, VIEW, shopper

EVERYTHING = np.ones(6, bool)
COLUMNS = [column.name for column in History.columns(RecommendParameters())]


def said(asked: Shopper) -> dict[int, dict[str, float]]:
    """What the source says of each item."""
    board = Board.of(6, len(COLUMNS))
    History().propose(asked, EVERYTHING, board, 0)
    rows = range(int(board.size[0]))
    return {int(board.items[row]): dict(zip(COLUMNS, board.scores[:, row].tolist(), strict=True)) for row in rows}


def test_it_speaks_of_the_shoppers_own_items_only() -> None:
    assert set(said(shopper([(4, VIEW, 9.0)], visit=[(2, VIEW)]))) == {2, 4}
    assert said(shopper([])) == {}


def test_it_says_how_often_and_how_lately_each_was_touched() -> None:
    found = said(shopper([(4, ORDER, 19.0), (4, VIEW, 9.0), (2, CART, 4.0)]))
    assert (found[4]["view_count"], found[4]["cart_count"], found[4]["order_count"]) == (1, 0, 1)
    assert found[4]["recency"] == pytest.approx(1 / 10)
    assert found[4]["order_recency"] == pytest.approx(1 / 20)
    assert found[2]["order_recency"] == 0  # never


def test_what_happens_in_the_visit_is_said_apart() -> None:
    found = said(shopper([(4, VIEW, 9.0)], visit=[(2, VIEW), (1, VIEW), (2, VIEW), (0, VIEW)]))
    assert [found[item]["visit_recency"] for item in (0, 2, 1, 4)] == [1, 1 / 2, pytest.approx(1 / 3), 0]
    assert [found[item]["visit_count"] for item in (0, 2, 1, 4)] == [1, 2, 1, 0]


def test_a_later_and_stronger_interaction_shows_more_interest() -> None:
    found = said(shopper([(0, VIEW, 40.0), (1, VIEW, 2.0), (2, ORDER, 2.0)]))
    assert found[2]["interest"] > found[1]["interest"] > found[0]["interest"] > 0


def test_it_writes_from_its_own_column_on() -> None:
    board = Board.of(6, len(COLUMNS) + 2)
    History().propose(shopper([(3, VIEW, 1.0)]), EVERYTHING, board, 2)
    assert board.scores[:2, slot_of(board, 3)].tolist() == [0, 0]
    assert board.scores[2, slot_of(board, 3)] > 0
