"""ALS: two halves of a store that nobody mixes, and the algebra of a user's own vector."""

from functools import cache

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.ranking.similarity_features import FactorFeatures
from recsys.retrieval.als import ALS, FOLDED_ITEMS, LEAST_PAIRS, UNCHOSEN_WEIGHT
from tests.recsys.stores import (
    ORDER,
    VIEW,
    Row,
    checkerboard,
    item_ids,
    pointwise_features,
    retrieved_scores,
    state,
    user,
)

COUNT = 40
PARAMETERS = RecommendParameters(factors=8)
ALL = list(range(COUNT))
EVEN = user([(2, ORDER, 9.0), (4, VIEW, 1.0), (4, VIEW, 0.5)])
ODD = user([], session=[(3, VIEW), (5, VIEW)])


def fit(rows: list[Row], threads: int = 1) -> ALS:
    return ALS.fit(state(rows, Items.of(item_ids(COUNT)), 60, PARAMETERS, threads))


@cache
def fitted() -> ALS:
    return fit(checkerboard())


def scored(source: ALS, asked: UserHistory, items: list[int]) -> dict[str, list[float]]:
    return pointwise_features(FactorFeatures(source), asked, items)


def vectors(source: ALS) -> np.ndarray:
    return source.codes.astype(np.float64) * source.scales[:, None]


def taste(source: ALS, asked: UserHistory) -> np.ndarray:
    """By the library's own words: least squares, in which a chosen item counts 1 and all others UNCHOSEN_WEIGHT."""
    chosen = vectors(source)[asked.aggregates.items]
    system = source.gram + (1 / UNCHOSEN_WEIGHT - 1) * chosen.T @ chosen
    return np.linalg.solve(system, chosen.sum(axis=0) / UNCHOSEN_WEIGHT)


def test_a_shoppers_half_is_told_from_the_other() -> None:
    for asked, half in ((EVEN, 0), (ODD, 1)):
        for scores in scored(fitted(), asked, ALL).values():
            unseen = [item for item in ALL if item not in asked.items]
            ranked = sorted(unseen, key=lambda item: -scores[item])
            assert {item % 2 for item in ranked[:18]} == {half}


def test_a_taste_is_what_least_squares_finds() -> None:
    for asked in (EVEN, ODD, user([(item, VIEW, 1.0) for item in range(7)])):
        expected = vectors(fitted()) @ taste(fitted(), asked)
        found = scored(fitted(), asked, ALL)
        np.testing.assert_allclose(found["factors_score"], expected, rtol=1e-3, atol=1e-4)
        lengths = np.linalg.norm(vectors(fitted()), axis=1) * np.linalg.norm(taste(fitted(), asked))
        np.testing.assert_allclose(found["factors_cosine"], expected / lengths, rtol=1e-3, atol=1e-4)


def test_a_long_history_is_folded_in_by_its_main_items() -> None:
    random = np.random.default_rng(0)
    count = FOLDED_ITEMS + 20
    drawn = random.normal(size=(count, 4)).astype(np.float32)
    source = ALS.of(drawn, np.eye(4, dtype=np.float32))
    main = [(item, ORDER, 1.0) for item in range(FOLDED_ITEMS)]
    more = [(item, VIEW, 99.0) for item in range(FOLDED_ITEMS, count)]
    assert scored(source, user([*more, *main]), ALL) == scored(source, user(main), ALL)
    assert scored(source, user(main), ALL) != scored(source, user(main[1:]), ALL)


def test_what_others_wrote_is_scored_and_nothing_else() -> None:
    seen = [6, 8, 7, 9]
    found = retrieved_scores(fitted(), EVEN, COUNT, PARAMETERS, seen)["factors"]
    assert found == dict(zip(seen, scored(fitted(), EVEN, seen)["factors_score"], strict=True))
    assert retrieved_scores(fitted(), EVEN, COUNT, PARAMETERS)["factors"] == {}


def test_what_is_against_the_taste_is_not_spoken_for() -> None:
    source = ALS.of(np.array([[1, 0], [-1, 0], [0.5, 0]], np.float32), np.eye(2, dtype=np.float32))
    asked = user([(0, VIEW, 1.0)])
    assert scored(source, asked, [1])["factors_score"][0] < 0
    assert set(retrieved_scores(source, asked, 3, PARAMETERS, [0, 1, 2])["factors"]) == {0, 2}


def test_the_same_rows_give_the_same_vectors_whatever_the_threads() -> None:
    for threads in (1, 2):
        np.testing.assert_array_equal(fit(checkerboard(), threads).codes, fitted().codes)
    assert not np.array_equal(fit(checkerboard(seed=1)).codes, fitted().codes)


def test_too_little_to_learn_from_says_nothing() -> None:
    few = checkerboard(customers=10)
    assert len({(row[0], row[1]) for row in few}) < LEAST_PAIRS
    for rows in (few, []):
        source = fit(rows)
        assert retrieved_scores(source, EVEN, COUNT, PARAMETERS, ALL)["factors"] == {}
        assert not any(map(any, scored(source, EVEN, ALL).values()))
        resized = source.resized(Items.of(item_ids(COUNT + 2)), state([], Items.of(item_ids(COUNT + 2)), 60).counters)
        assert not any(map(any, scored(resized, EVEN, [COUNT + 1]).values()))
    assert any(map(any, scored(fitted(), EVEN, ALL).values()))


def test_of_a_cold_start_user_nothing_is_said() -> None:
    assert retrieved_scores(fitted(), user([]), COUNT, PARAMETERS, ALL)["factors"] == {}
    assert not any(map(any, scored(fitted(), user([]), ALL).values()))


def test_items_that_came_after_the_fit_are_of_no_taste_and_change_none() -> None:
    more = Items.of(item_ids(COUNT + 5))
    resized = fitted().resized(more, state([], more, 60).counters)
    found = scored(resized, user([(COUNT + 4, VIEW, 1.0), (2, VIEW, 1.0)]), [COUNT + 4, 4])
    assert [column[0] for column in found.values()] == [0, 0]
    assert scored(resized, user([(2, VIEW, 1.0)]), [COUNT + 4, 4]) == found


def test_a_source_survives_its_arrays() -> None:
    read = ALS.from_arrays(fitted().to_arrays(), PARAMETERS)
    assert scored(read, ODD, ALL) == scored(fitted(), ODD, ALL)
