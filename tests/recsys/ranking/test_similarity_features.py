"""Similarity features of vectors, factors and words, in a shop whose customers choose even or odd items only."""

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.ranking.similarity_features import ContentFeatures, FactorFeatures, VectorFeatures
from recsys.retrieval.content import Content
from tests.recsys.stores import ORDER, VIEW, checkerboard_recommender, item_ids, pointwise_features, state, user

shop = checkerboard_recommender


def vector_features(asked: UserHistory, items: list[int]) -> np.ndarray:
    return np.array(list(pointwise_features(VectorFeatures(shop().retriever.vectors), asked, items).values()))


def test_vector_features_are_cosines_with_the_session_and_its_last_two_items() -> None:
    asked = user([(3, ORDER, 9.0)], session=[(2, VIEW), (4, VIEW), (4, VIEW)])
    source = shop().retriever.vectors
    similarity, gap, last, previous = vector_features(asked, [4, 2, 3, 7])
    vectors = source.index.vectors[source.rows[[4, 2, 3, 7]]]
    np.testing.assert_allclose(last, vectors @ vectors[0], atol=1e-5)
    np.testing.assert_allclose(previous, vectors @ vectors[1], atol=1e-5)
    summed = np.zeros(vectors.shape[1])
    for step, item in enumerate((4, 4, 2)):
        row = source.rows[item]
        summed += source.step_weights[step] * source.lengths[row] * source.index.vectors[row]
    np.testing.assert_allclose(similarity, vectors @ summed / np.linalg.norm(summed), atol=1e-5)
    np.testing.assert_allclose(gap, similarity.max() - similarity, atol=1e-6)


def test_a_session_of_one_item_has_no_previous_one() -> None:
    _, _, last, previous = vector_features(user([], session=[(2, VIEW), (2, VIEW)]), [2, 4])
    assert not previous.any()
    assert last[0] > 0.99


def test_items_of_the_users_half_are_nearer() -> None:
    asked = user([(2, ORDER, 9.0), (4, VIEW, 1.0)])
    for scorer in (VectorFeatures(shop().retriever.vectors), FactorFeatures(shop().retriever.factors)):
        near, far = pointwise_features(scorer, asked, [6, 7])[scorer.names[0]]
        assert near > far


def test_words_that_an_item_shares_with_the_users_items_count() -> None:
    named = Items.of(item_ids(3), names=["green tea", "red tea", "lamp"])
    scorer = ContentFeatures(Content.fit(state([], named, 60)))
    (found,) = pointwise_features(scorer, user([(0, VIEW, 1.0)]), [0, 1, 2]).values()
    assert found[0] > found[1] > found[2] == 0
