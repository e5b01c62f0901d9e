import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.ranking.similarity_features import VectorFeatures
from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.item2vec.source import Item2Vec, recent_items
from recsys.retrieval.protocol import FitData
from tests.recsys.stores import DAY, ORDER, VIEW, Row, checkerboard, interactions, item_ids, pointwise_features, user

COUNT = 40
PARAMETERS = RecommendParameters(candidates_by_vector=5)
EVERYTHING = np.ones(COUNT + 2, bool)
ONE_VIEW: list[Row] = [("a", "item-000", "view", 1.0)]
STRANGER = user([])
EVEN, ODD = user([], session=[(2, VIEW), (4, VIEW)]), user([(3, ORDER, 3.0), (5, VIEW, 1.0)])


def fitted(rows: list[Row]) -> Item2Vec:
    """On a catalogue whose last two items nobody ever touched."""
    items = Items.of(item_ids(COUNT + 2))
    past = interactions(rows, items)
    counters = ItemCounters.of(past, 60 * DAY, ORDER)
    return Item2Vec.fit(FitData(past, SessionLog.of(past), counters, items, 60 * DAY, PARAMETERS))


FOUND = fitted(checkerboard())


def proposed(source: Item2Vec, asked: UserHistory, eligible: np.ndarray = EVERYTHING) -> dict[int, float]:
    pool = CandidatePool.of(len(eligible), 2)
    source.retrieve(asked, eligible, pool, 1)
    assert not pool.scores[0, : pool.size[0]].any()
    return dict(zip(pool.items[: pool.size[0]].tolist(), pool.scores[1, : pool.size[0]].tolist(), strict=True))


def judged(source: Item2Vec, asked: UserHistory, candidates: list[int]) -> np.ndarray:
    return np.array(list(pointwise_features(VectorFeatures(source), asked, candidates).values())).T


def test_proposals_stay_in_the_shoppers_half() -> None:
    for asked, half in ((EVEN, 0), (ODD, 1)):
        found = proposed(FOUND, asked)
        assert len(found) == 5
        assert {item % 2 for item in found} == {half}
        assert all(0 < score <= 1.0001 for score in found.values())


def test_only_what_may_be_shown_is_proposed() -> None:
    eligible = np.arange(COUNT + 2) % 3 == 0
    found = proposed(FOUND, EVEN, eligible)
    assert len(found) == 5
    assert {item % 3 for item in found} == {0}
    assert {item % 3 for item in proposed(FOUND, EVEN)} != {0}


def test_a_score_is_half_of_one_more_than_the_similarity() -> None:
    found = proposed(FOUND, EVEN)
    similarity = judged(FOUND, EVEN, list(found))[:, 0]
    np.testing.assert_allclose(list(found.values()), (1 + similarity) / 2, atol=1e-6)


def test_the_session_under_way_counts_alone_and_else_the_whole_history() -> None:
    assert recent_items(user([(1, VIEW, 2.0)], session=[(2, VIEW), (4, VIEW)])).tolist() == [2, 4]
    assert recent_items(user([(1, VIEW, 2.0), (3, VIEW, 1.0)])).tolist() == [1, 3]
    assert recent_items(user([(n, VIEW, 1.0) for n in range(30)])).tolist() == list(range(10, 30))


def test_items_without_a_vector_and_cold_start_users_get_nothing() -> None:
    fresh = user([], session=[(COUNT, VIEW)])
    for asked in (STRANGER, fresh):
        assert proposed(FOUND, asked) == {}
        assert not judged(FOUND, asked, [2, 3, COUNT]).any()
    out = judged(FOUND, EVEN, [COUNT, 2, COUNT + 1])
    assert not out[[0, 2]].any()
    assert out[1, 0] > 0
    assert COUNT not in proposed(FOUND, EVEN)


def test_the_nearest_items_of_one_are_of_its_half_without_itself() -> None:
    items, scores = FOUND.similar(6)
    assert len(items) >= 15
    assert 6 not in items
    assert set((items[:15] % 2).tolist()) == {0}
    assert (np.diff(scores) <= 0).all()
    assert (scores > 0).all()
    assert len(FOUND.similar(COUNT)[0]) == 0


def test_items_that_came_after_the_fit_do_no_harm() -> None:
    more = Items.of(item_ids(COUNT + 9))
    resized = FOUND.resized(more, ItemCounters.of(interactions([], more), 60 * DAY, ORDER))
    asked = user([], session=[(COUNT + 8, VIEW), (2, VIEW), (COUNT + 7, VIEW)])
    assert len(proposed(resized, asked, np.ones(COUNT + 9, bool))) == 5
    out = judged(resized, asked, [COUNT + 8, 4])
    assert not out[0].any()
    assert out[1, 0] > 0
    assert len(resized.similar(COUNT + 8)[0]) == 0


def test_too_few_sessions_say_nothing() -> None:
    for rows in (ONE_VIEW, checkerboard(customers=2, days=20)):
        source = fitted(rows)
        assert proposed(source, EVEN) == {}
        assert not judged(source, EVEN, [2, 3]).any()
        assert len(source.similar(2)[0]) == 0


def test_a_source_survives_its_arrays() -> None:
    for source in (FOUND, fitted(ONE_VIEW)):
        arrays = source.to_arrays()
        assert all(name.startswith("vectors_") for name in arrays)
        read = Item2Vec.from_arrays({name: array.copy() for name, array in arrays.items()}, PARAMETERS)
        assert proposed(read, EVEN) == proposed(source, EVEN)
        np.testing.assert_array_equal(judged(read, EVEN, [2, 3, 40]), judged(source, EVEN, [2, 3, 40]))
        np.testing.assert_array_equal(read.similar(4)[0], source.similar(4)[0])


def test_the_columns_are_those_that_are_written() -> None:
    assert [(c.name, c.limit) for c in FOUND.columns(PARAMETERS)] == [("vector", 5)]
