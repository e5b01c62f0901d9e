"""The pool: sparse scratch of one thread."""

from recsys.retrieval.candidate_pool import CandidatePool, clear, row_of


def written(scores: dict[int, list[float]], items: int = 10) -> CandidatePool:
    pool = CandidatePool.of(items, 2)
    for item, row in scores.items():
        pool.scores[:, row_of(pool, item)] = row
    return pool


def test_an_item_keeps_its_row_and_a_new_row_is_zero() -> None:
    pool = written({7: [1.0, 2.0]})
    assert row_of(pool, 7) == 0
    assert row_of(pool, 3) == 1
    assert pool.scores[:, :2].T.tolist() == [[1, 2], [0, 0]]
    assert pool.size[0] == 2


def test_a_cleared_board_remembers_nothing_of_the_last_shopper() -> None:
    pool = written({7: [1.0, 2.0], 3: [4.0, 5.0]})
    clear(pool)
    assert pool.size[0] == 0
    assert (pool.item_rows == -1).all()
    assert pool.scores[:, row_of(pool, 3)].tolist() == [0, 0]
