import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from recsys.data.catalogue import Items
from recsys.data.sessions import SessionLog
from recsys.retrieval.item2vec import embeddings
from recsys.retrieval.item2vec.embeddings import (
    MINIMUM_SESSIONS,
    Batch,
    Encoder,
    ItemEmbeddings,
    Sequences,
    fit_item_embeddings,
    gradients,
)
from tests.recsys.stores import DAY, Row, interactions, item_ids

NOW = 1_000 * DAY


def log_of(sessions: list[list[int]], items: int = 30) -> SessionLog:
    """One session a day, each of another customer."""
    rows: list[Row] = [
        (f"c{number}", f"item-{item:03d}", "view", number + step / 1_000)
        for number, session in enumerate(sessions)
        for step, item in enumerate(session)
    ]
    return SessionLog.of(interactions(rows, Items.of(item_ids(items))))


def halves(count: int = 400, size: int = 30, seed: int = 0) -> list[list[int]]:
    """Sessions of four items, even ones or odd ones only."""
    random = np.random.default_rng(seed)
    return [(2 * random.permutation(size // 2)[:4] + number % 2).tolist() for number in range(count)]


def chains(count: int = 400, seed: int = 0) -> list[list[int]]:
    """Sessions that walk along one of eight chains of four items, after one item of any chain."""
    random = np.random.default_rng(seed)
    firsts = (4 * random.integers(8, size=count)).tolist()
    return [[int(random.integers(32)), *range(first, first + 4)] for first in firsts]


def fitted(
    sessions: list[list[int]], dimensions: int = 16, epochs: float = 4.0, examples: int = 10**6
) -> ItemEmbeddings:
    return fit_item_embeddings(log_of(sessions, 32), NOW, dimensions, epochs, examples, seed=7)


def cosines(found: ItemEmbeddings) -> np.ndarray:
    return np.asarray(found.vectors @ found.vectors.T)


def test_vectors_keep_two_separate_halves_apart() -> None:
    found = fitted(halves())
    assert found.items.tolist() == list(range(30))
    near = np.argsort(-cosines(found), axis=1)[:, :15]
    assert (found.items[near] % 2 == found.items[:, None] % 2).all()


def test_without_halves_the_neighbours_are_of_both() -> None:
    """The control of the test above."""
    random = np.random.default_rng(0)
    found = fitted([random.permutation(30)[:4].tolist() for _ in range(400)])
    near = np.argsort(-cosines(found), axis=1)[:, :15]
    assert 0.3 < (found.items[near] % 2 == found.items[:, None] % 2).mean() < 0.7


def session_vector(found: ItemEmbeddings, session: list[int]) -> np.ndarray:
    """Of length 1, of the places of a session's items."""
    summed = found.step_weights[: len(session)] @ (found.vectors * found.lengths[:, None])[session[::-1]]
    return np.asarray(summed / np.linalg.norm(summed))


def test_a_session_points_to_the_next_item_of_its_chain() -> None:
    found = fitted(chains(), epochs=40.0)
    for first in range(0, 32, 4):
        order = np.argsort(-(found.vectors @ session_vector(found, [first, first + 1]))).tolist()
        assert next(item for item in order if item not in (first, first + 1)) == first + 2


def test_training_finds_the_halves_from_a_start_that_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "START_LENGTH", 0.0)  # the noise alone is left

    def share_within(found: ItemEmbeddings) -> float:
        near = np.argsort(-cosines(found), axis=1)[:, :15]
        return float((found.items[near] % 2 == found.items[:, None] % 2).mean())

    assert share_within(fitted(halves(), epochs=40.0)) > 0.95
    assert share_within(fitted(halves(), epochs=0.0)) < 0.7


def test_lengths_are_one_and_weights_begin_with_one() -> None:
    found = fitted(halves())
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert found.step_weights[0] == 1
    assert (found.lengths > 0).all()
    assert {array.dtype for array in found[1:]} == {np.dtype(np.float32)}


def test_the_same_log_gives_the_same_bits_whatever_the_threads() -> None:
    with threadpool_limits(1, "blas"):
        one = fitted(halves())
    with threadpool_limits(2, "blas"):
        two = fitted(halves())
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True))
    other = fit_item_embeddings(log_of(halves(), 32), NOW, 16, 4.0, 10**6, seed=8)
    assert one.vectors.tobytes() != other.vectors.tobytes()


def test_sessions_that_end_later_or_hold_one_item_teach_nothing() -> None:
    known = halves()
    with_more = [*known, *[[30, 31]] * 60]
    assert fit_item_embeddings(log_of(with_more, 32), 400 * DAY, 16, 1.0, 10**6, 7).items.max() == 29
    assert fit_item_embeddings(log_of(with_more, 32), NOW, 16, 1.0, 10**6, 7).items.max() == 31
    assert fitted([*known, *[[31, 31]] * 60]).items.max() == 29


def test_too_few_sessions_teach_nothing() -> None:
    assert len(fitted(halves(MINIMUM_SESSIONS - 1)).items) == 0
    assert len(fitted(halves(MINIMUM_SESSIONS)).items) > 0
    assert len(fit_item_embeddings(log_of(halves()), 0, 16, 1.0, 10**6, 7).items) == 0


def test_there_are_no_more_dimensions_than_items() -> None:
    assert fitted(halves(), dimensions=64).vectors.shape == (30, 30)
    assert fitted([[0, 1]] * 60, dimensions=64).vectors.shape == (2, 2)


def test_of_a_large_log_the_latest_sessions_count() -> None:
    log = log_of(halves())
    sequences = Sequences.before(log, NOW, 41)
    assert len(sequences.offsets) == 11  # ten sessions of four items
    assert sequences.items.tolist() == log.items[-40:].tolist()
    assert sequences.offsets.tolist() == list(range(0, 41, 4))


def test_of_an_endless_session_the_last_entries_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "ENTRIES_PER_SESSION", 3)
    assert Sequences.before(log_of([[0, 1, 2, 3, 4], [5, 6]]), NOW, 100).items.tolist() == [2, 3, 4, 5, 6]
    assert len(Sequences.before(log_of([[0, 1, 1, 1, 1]]), NOW, 100).items) == 0


def test_the_number_of_examples_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    learn = Encoder.learn

    def counted(encoder: Encoder, batch: Batch, *rest: object) -> None:
        seen.append(len(batch.targets))
        learn(encoder, batch, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "learn", counted)
    fitted(halves(), epochs=10.0, examples=2_000)
    assert 0 < sum(seen) <= 2_000
    seen.clear()
    fitted(halves(), epochs=2.0)
    assert 1_200 < sum(seen) <= 2 * 1_200


def test_gradients_are_those_of_the_loss() -> None:
    """By differences of the loss itself; the target of the first session is also drawn and must not push away."""
    random = np.random.default_rng(0)
    drawn, targets = np.array([3, 4, 5]), np.array([3, 6])
    log_expected = np.log(random.random(3))
    sessions, candidates = random.standard_normal((2, 4)), random.standard_normal((5, 4))

    def loss(sessions: np.ndarray, candidates: np.ndarray) -> float:
        own = (sessions * candidates[3:]).sum(axis=1) / embeddings.TEMPERATURE
        scores = sessions @ candidates[:3].T / embeddings.TEMPERATURE - log_expected
        scores[0, 0] = -np.inf
        return float(np.mean(np.logaddexp.reduce(np.column_stack([own, scores]), axis=1) - own))

    of_sessions, of_candidates = gradients(sessions, candidates, targets, drawn, log_expected)
    for array, gradient in ((sessions, of_sessions), (candidates, of_candidates)):
        for place in np.ndindex(array.shape):
            before = array[place]
            array[place] = before + 1e-6
            more = loss(sessions, candidates)
            array[place] = before - 1e-6
            less = loss(sessions, candidates)
            array[place] = before
            assert gradient[place] == pytest.approx((more - less) / 2e-6, abs=1e-4)
