"""Priors: which of the sources tells what is chosen, learnt from cases in which that is plain."""

import numpy as np
import pytest

from recsys.ranking.pre_ranker import LEAST_GROUPS, learned_weights, shares_of

SIZE = 10
DEFAULTS = np.array([0.5, 0.5, 0.5], np.float32)


def cases(count: int, teller: int, sign: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three columns at random, of which one tells what was chosen; scores, labels and sizes."""
    scores = np.random.default_rng(seed).random((count * SIZE, 3)).astype(np.float32)
    told = sign * scores[:, teller].reshape(count, SIZE)
    labels = (told == told.max(axis=1, keepdims=True)).ravel().astype(np.int8)
    return scores, labels, np.full(count, SIZE)


@pytest.mark.parametrize("teller", [0, 1, 2])
def test_the_column_that_tells_gets_the_weight(teller: int) -> None:
    found = learned_weights(*cases(200, teller), DEFAULTS, seed=1)
    others = np.delete(found, teller)
    assert found[teller] > 3
    assert (others < found[teller] / 5).all()
    assert found.dtype == np.float32


def test_no_weight_is_ever_negative() -> None:
    found = learned_weights(*cases(200, 1, sign=-1.0), DEFAULTS, seed=1)
    assert found[1] == 0.0
    assert (found >= 0).all()


def test_where_every_column_speaks_against_the_choice_the_defaults_stay() -> None:
    scores, _, sizes = cases(200, 0)
    total = scores.sum(axis=1).reshape(-1, SIZE)
    labels = (total == total.min(axis=1, keepdims=True)).ravel().astype(np.int8)
    np.testing.assert_array_equal(learned_weights(scores, labels, sizes, DEFAULTS, seed=1), DEFAULTS)


def test_too_few_cases_keep_the_defaults() -> None:
    np.testing.assert_array_equal(learned_weights(*cases(LEAST_GROUPS - 1, 0), DEFAULTS, seed=1), DEFAULTS)
    assert (learned_weights(*cases(LEAST_GROUPS, 0), DEFAULTS, seed=1) != DEFAULTS).any()


def test_where_everything_was_chosen_the_defaults_stay() -> None:
    scores, labels, sizes = cases(200, 0)
    for same in (0, 1):
        np.testing.assert_array_equal(
            learned_weights(scores, np.full_like(labels, same), sizes, DEFAULTS, seed=1), DEFAULTS
        )


def test_the_scale_of_a_column_does_not_matter() -> None:
    scores, labels, sizes = cases(200, 0)
    scaled = scores * np.array([1e-4, 1.0, 1e4], np.float32)
    found, expected = (learned_weights(some, labels, sizes, DEFAULTS, seed=1) for some in (scaled, scores))
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.02)


def test_the_same_cases_and_seed_give_the_same_weights() -> None:
    first, same, other = (learned_weights(*cases(200, 0), DEFAULTS, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_shares_are_of_the_best_of_the_same_case() -> None:
    scores = np.array([[2, 0], [4, 0], [5, 3], [1, 6], [0, 0]], np.float32)
    shares = shares_of(scores, np.array([2, 3]))
    np.testing.assert_allclose(shares, [[0.5, 0], [1, 0], [1, 0.5], [0.2, 1], [0, 0]])
