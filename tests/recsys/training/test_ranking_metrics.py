import numpy as np
import pytest

from recsys.training.ranking_metrics import RankedLists, mean


def ranked_lists() -> RankedLists:
    """Three examples over ten items: hits at ranks 1 and 3 of three targets; none; no targets."""
    lists = np.array([[4, 1, 7, -1], [0, 1, 2, 3], [5, 6, 7, 8]])
    targets = np.array([4, 7, 9, 10 + 9])
    return RankedLists(lists, targets, 10)


def test_recall_ndcg_and_mrr_by_hand() -> None:
    assert ranked_lists().recall(4).tolist()[:2] == [2 / 3, 0]
    assert ranked_lists().recall(1).tolist()[0] == 1 / 3
    perfect = 1 + 1 / np.log2(3) + 1 / 2
    assert ranked_lists().ndcg(4).tolist()[0] == pytest.approx((1 + 1 / 2) / perfect)
    assert ranked_lists().mrr(4).tolist()[:2] == [1, 0]
    assert np.isnan(ranked_lists().recall(4)[2])


def test_coverage_counts_each_item_once_and_no_padding() -> None:
    assert ranked_lists().coverage(4) == 9 / 10
    assert ranked_lists().coverage(1) == 3 / 10


def test_a_perfect_list_scores_one_and_nothing_is_undefined_alone() -> None:
    perfect = RankedLists(np.array([[3, 5]]), np.array([3, 5]), 10)
    assert perfect.recall(2) == perfect.ndcg(2) == perfect.mrr(2) == 1
    assert mean(np.array([np.nan])) is None
