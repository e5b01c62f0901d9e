import numpy as np
import pytest

from recsys.kernels import ann_index
from recsys.kernels.ann_index import AnnIndex, nearest


def clustered(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Item2Vec of length 1 around a few dozen centres."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((40, dimensions))
    vectors = centres[random.integers(40, size=count)] + 0.7 * random.standard_normal((count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def asked(lists: AnnIndex, vector: np.ndarray, eligible: np.ndarray, limit: int) -> tuple[list[int], np.ndarray]:
    query = np.zeros(lists.vectors.shape[1], np.float32)
    query[: len(vector)] = vector
    items, cosines = nearest(lists.frozen(), query, eligible, limit)
    return items.tolist(), cosines


def recall(vectors: np.ndarray, lists: AnnIndex, eligible: np.ndarray, limit: int = 30) -> float:
    """The share of the truly nearest eligible items that are found, over some of the vectors as questions."""
    found = 0
    questions = vectors[:: len(vectors) // 50]
    allowed = np.flatnonzero(eligible)
    for question in questions:
        best = allowed[np.argsort(-(vectors[allowed] @ question))[:limit]]
        found += len(set(best.tolist()) & set(asked(lists, question, eligible, limit)[0]))
    return found / (limit * len(questions))


VECTORS = clustered(6_000, 20)  # not a multiple of what a sum takes at once
LISTS = AnnIndex.of(np.arange(6_000), VECTORS, seed=1)
EVERYTHING = np.ones(6_000, bool)


def test_nearly_all_of_the_nearest_are_found() -> None:
    assert recall(VECTORS, LISTS, EVERYTHING) >= 0.95


def test_of_scattered_vectors_less_is_found() -> None:
    """The control of the test above: scattered vectors have no lists in which all of the nearest are."""
    random = np.random.default_rng(0)
    scattered = random.standard_normal((6_000, 20)).astype(np.float32)
    scattered /= np.linalg.norm(scattered, axis=1, keepdims=True)
    assert recall(scattered, AnnIndex.of(np.arange(6_000), scattered, seed=1), EVERYTHING) < 0.95


def test_answers_are_exact_cosines_best_first() -> None:
    items, cosines = asked(LISTS, VECTORS[7], EVERYTHING, 30)
    assert items[0] == 7
    np.testing.assert_allclose(cosines, VECTORS[items] @ VECTORS[7], atol=1e-5)
    assert (np.diff(cosines) <= 0).all()
    assert len(set(items)) == 30


def test_every_vector_is_in_one_list_under_its_own_item() -> None:
    items = np.random.default_rng(2).permutation(20_000)[:6_000]
    lists = AnnIndex.of(items, VECTORS, seed=1)
    assert sorted(lists.items.tolist()) == sorted(items.tolist())
    assert lists.offsets[0] == 0
    assert lists.offsets[-1] == 6_000
    assert (np.diff(lists.offsets) > 0).all()
    eligible = np.ones(20_000, bool)
    assert asked(lists, VECTORS[5], eligible, 1)[0] == [items[5]]


def test_only_the_eligible_are_found_and_more_lists_are_opened_for_them() -> None:
    eligible = np.arange(6_000) % 5 == 0
    items, _ = asked(LISTS, VECTORS[1], eligible, 30)
    assert len(items) == 30
    assert eligible[items].all()
    assert recall(VECTORS, LISTS, eligible) >= 0.95
    assert asked(LISTS, VECTORS[1], ~EVERYTHING, 30)[0] == []


def test_no_list_is_much_larger_than_the_others() -> None:
    same = np.concatenate([np.tile(VECTORS[:1], (5_000, 1)), VECTORS[:1_000]])
    lists = AnnIndex.of(np.arange(6_000), same, seed=1)
    mean = 6_000 / round(ann_index.LISTS_PER_ROOT * 6_000**0.5)
    assert np.diff(lists.offsets).max() <= ann_index.LARGEST * mean
    assert len(asked(lists, VECTORS[0], EVERYTHING, 30)[0]) == 30


def test_the_same_vectors_give_the_same_lists() -> None:
    again = AnnIndex.of(np.arange(6_000), VECTORS, seed=1)
    assert all((one == other).all() for one, other in zip(LISTS, again, strict=True))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_vectors_are_all_found(count: int) -> None:
    lists = AnnIndex.of(np.arange(count), VECTORS[:count], seed=1)
    assert sorted(asked(lists, VECTORS[0], EVERYTHING, 30)[0]) == list(range(count))
    assert asked(lists, VECTORS[0], EVERYTHING, 0)[0] == []
