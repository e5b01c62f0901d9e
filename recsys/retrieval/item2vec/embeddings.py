"""Item embeddings: items of the same sessions get similar vectors, and a session's vector is near its next item's.

The vectors are initialised by factorising the items' positive pointwise mutual information within a few steps (Levy and
Goldberg, "Neural word embedding as implicit matrix factorization", 2014). They are then trained as in CORE (Hou et al.,
"CORE: simple and effective session-based recommendation within consistent representation space", 2022): a session is a
weighted sum of its items' vectors, and the next item must be nearer to it than random negatives. The loss corrects for
each negative's sampling probability (Bengio and Senecal, 2008). It fails where sessions have one item.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recsys.data.sessions import SessionLog
from recsys.kernels.pair_counts import ragged

STEPS: Final = 20  # items of a session that are used, the latest
MINIMUM_SESSIONS: Final = 50  # sessions with two distinct items; with fewer, nothing is learned
ENTRIES_PER_SESSION: Final = 200  # the latest; so that one bot's session of thousands does not dominate
WINDOW: Final = 5  # steps within which two items of a session are paired
SMOOTHING: Final = 0.75  # power of the item frequency, so that rare items do not dominate
EIGENVALUE_POWER: Final = 0.4
OVERSAMPLING: Final = 16
ITERATIONS: Final = 4  # of the randomised eigendecomposition (Halko, Martinsson and Tropp, 2011)
START_LENGTH: Final = 0.6
START_NOISE: Final = 0.05
START_DECAY: Final = 0.3  # of an item's weight in its session, per step back
TEMPERATURE: Final = 0.07
LEARNING_RATE: Final = 0.05
LAST_RATE: Final = 0.05  # share of the learning rate at the last step; it falls linearly
BATCH: Final = 512
NEGATIVES: Final = 512  # shared by a batch
DROPPED: Final = 0.1  # probability of dropping each item of a session in training
_TINY: Final = 1e-8


class Sequences(NamedTuple):
    """Sessions ordered by their end: the items of session v, in order, are items[offsets[v] : offsets[v + 1]]."""

    offsets: np.ndarray  # (sessions + 1,) int64
    items: np.ndarray  # (entries,) int32

    @classmethod
    def before(cls, log: SessionLog, now: int, limit: int) -> "Sequences":
        """The latest sessions with two distinct items that ended before `now`, at most `limit` entries in all."""
        cutoff = log.cutoff(now)
        stops = log.offsets[1 : cutoff + 1]
        starts = np.maximum(log.offsets[:cutoff], stops - ENTRIES_PER_SESSION)
        changes = np.concatenate([[0], np.cumsum(np.diff(log.items) != 0)])
        kept = np.flatnonzero(changes[stops - 1] > changes[starts])
        lengths = (stops - starts)[kept]
        kept = kept[np.cumsum(lengths[::-1])[::-1] <= limit]
        rows, places = ragged(starts[kept], (stops - starts)[kept])
        return cls(np.searchsorted(rows, np.arange(len(kept) + 1)), log.items[places])


class ItemEmbeddings(NamedTuple):
    """Row r is the vector of item items[r]; a session's vector is a weighted sum of its items' vectors."""

    items: np.ndarray  # (rows,) int32, ascending
    vectors: np.ndarray  # (rows, dimensions) float32 of length 1
    lengths: np.ndarray  # (rows,) float32: weight of each item in a session
    step_weights: np.ndarray  # (STEPS,) float32: weight of each step back, the last item first


def fit_item_embeddings(
    log: SessionLog, now: int, dimensions: int, epochs: float, examples: int, seed: int
) -> ItemEmbeddings:
    """Vectors of all items in sessions of two distinct items that ended before `now` (seconds since 1970 UTC).

    There are at most as many dimensions as items. `examples` limits both the entries read and the examples trained on.
    With too few sessions there are no vectors. On one machine, the result does not depend on the number of threads.
    """
    sequences = Sequences.before(log, now, examples)
    if len(sequences.offsets) <= MINIMUM_SESSIONS:
        nothing = np.zeros((0, dimensions), np.float32)
        return ItemEmbeddings(np.zeros(0, np.int32), nothing, nothing[:, 0], _start_weights())
    items, rows = np.unique(sequences.items, return_inverse=True)
    sequences = Sequences(sequences.offsets, rows.astype(np.int32))
    random = np.random.default_rng(seed)
    with threadpool_limits(1, "blas"):
        encoder = Encoder(_start(sequences, len(items), min(dimensions, len(items)), random))
        _train(encoder, sequences, epochs, examples, random)
    vectors, lengths = _normalised(encoder.vectors)
    return ItemEmbeddings(items, vectors, lengths, encoder.weights)


def _start(sequences: Sequences, size: int, dimensions: int, random: np.random.Generator) -> np.ndarray:
    """The initial vectors, (size, dimensions) float32."""
    vectors, _ = _normalised(_factors(_mutual_information(_co_occurrences(sequences, size)), dimensions, random))
    noise = random.uniform(-1, 1, vectors.shape) / dimensions**0.5
    return np.asarray(START_LENGTH * vectors + START_NOISE * noise, np.float32)


def _co_occurrences(sequences: Sequences, size: int) -> csr_array:
    """Symmetric (size, size) float32: co-occurrences within WINDOW steps, each divided by the number of steps."""
    sessions = np.repeat(np.arange(len(sequences.offsets) - 1, dtype=np.int32), np.diff(sequences.offsets))
    above = csr_array((size, size), dtype=np.float32)
    for gap in range(1, WINDOW + 1):
        one, other = sequences.items[:-gap], sequences.items[gap:]
        paired = (sessions[:-gap] == sessions[gap:]) & (one != other)
        one, other = one[paired], other[paired]
        closeness = np.full(len(one), 1 / gap, np.float32)
        above = above + csr_array((closeness, (np.minimum(one, other), np.maximum(one, other))), shape=(size, size))
    return csr_array(above + above.T)


def _mutual_information(counts: csr_array) -> csr_array:
    """max(0, log P(other | one) / P(other)), made symmetric."""
    sums = np.asarray(counts.sum(axis=1), np.float64)
    frequency = sums**SMOOTHING / (sums**SMOOTHING).sum()
    rows = np.repeat(np.arange(len(sums)), np.diff(counts.indptr))
    surprise = np.log(counts.data / sums[rows] / frequency[counts.indices])
    positive = np.maximum(surprise, 0).astype(np.float32)
    matrix = csr_array((positive, counts.indices, counts.indptr), shape=counts.shape)
    return csr_array((matrix + matrix.T) * np.float32(0.5))


def _factors(matrix: csr_array, dimensions: int, random: np.random.Generator) -> np.ndarray:
    """(size, dimensions) float32: the leading eigenvectors, scaled by their eigenvalues ** EIGENVALUE_POWER."""
    size = matrix.shape[0]
    basis = random.standard_normal((size, min(dimensions + OVERSAMPLING, size))).astype(np.float32)
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(matrix @ basis)
    small = basis.T @ (matrix @ basis)
    values, directions = np.linalg.eigh((small + small.T) / 2)
    leading = np.argsort(-values, kind="stable")[:dimensions]
    factors = (basis @ directions[:, leading]) * np.maximum(values[leading], 0) ** EIGENVALUE_POWER
    # The sign of an eigenvector is arbitrary; fix it, so that it does not depend on the linear algebra library.
    largest = factors[np.abs(factors).argmax(axis=0), np.arange(len(leading))]
    return np.asarray(factors * np.where(largest < 0, -1, 1), np.float32)


class Batch(NamedTuple):
    """Each example's target, and the entries (row, item, steps back) of the session before it."""

    targets: np.ndarray
    rows: np.ndarray
    items: np.ndarray
    steps: np.ndarray


def _train(encoder: "Encoder", sequences: Sequences, epochs: float, limit: int, random: np.random.Generator) -> None:
    """Train the encoder on every example about `epochs` times, at most `limit` in all."""
    starts = np.repeat(sequences.offsets[:-1], np.diff(sequences.offsets))
    places = np.flatnonzero(np.arange(len(starts)) > starts)
    popularity = np.bincount(sequences.items, minlength=len(encoder.vectors)) ** SMOOTHING
    share = popularity / popularity.sum()
    reached = np.cumsum(share)
    size = min(BATCH, len(places))
    total = int(min(epochs * len(places), limit)) // size
    for number, chosen in zip(range(total), _shuffled(places, size, random), strict=False):
        drawn = np.searchsorted(reached, random.random(NEGATIVES) * reached[-1], side="right")
        batch = _batch(sequences.items, starts, chosen, random)
        rate = LEARNING_RATE * (1 - (1 - LAST_RATE) * number / total)
        encoder.learn(batch, drawn, np.log(NEGATIVES * share[drawn]).astype(np.float32), rate)


def _shuffled(places: np.ndarray, size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless batches of `size`, shuffled again for each pass."""
    while True:
        order = random.permutation(places)
        yield from (order[start : start + size] for start in range(0, len(order) - size + 1, size))


def _batch(items: np.ndarray, starts: np.ndarray, chosen: np.ndarray, random: np.random.Generator) -> Batch:
    """The examples whose targets are at the indices `chosen`; a session's only item is never dropped."""
    lengths = np.minimum(chosen - starts[chosen], STEPS)
    rows, places = ragged(chosen - lengths, lengths)
    kept = (random.random(len(rows)) >= DROPPED) | (lengths[rows] == 1)
    rows, places = rows[kept], places[kept]
    return Batch(items[chosen], rows, items[places], chosen[rows] - 1 - places)


class Encoder:
    """The trained parameters: item vectors (size, dimensions) and the weights of a session's steps; by AdaGrad."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors
        self.weights = _start_weights()
        self._squares = np.full_like(vectors, _TINY)
        self._weight_squares = np.full_like(self.weights, _TINY)

    def learn(self, batch: Batch, drawn: np.ndarray, log_expected: np.ndarray, rate: float) -> None:
        """One gradient step; `drawn` are the negatives, with the logarithm of their expected counts in the sample."""
        ids, places = np.unique(np.concatenate([drawn, batch.targets, batch.items]), return_inverse=True)
        at_candidates, at_items = np.split(places, [len(drawn) + len(batch.targets)])
        vectors = self.vectors[ids]
        sums = csr_array((self.weights[batch.steps], (batch.rows, at_items)), shape=(len(batch.targets), len(ids)))
        sessions, session_lengths = _normalised(sums @ vectors)
        units, lengths = _normalised(vectors)
        of_sessions, of_candidates = gradients(sessions, units[at_candidates], batch.targets, drawn, log_expected)
        of_sums = _tangent(of_sessions, sessions) / session_lengths[:, None]
        scattered = _scattered(at_candidates, len(ids)) @ of_candidates
        gradient = _tangent(scattered, units) / lengths[:, None] + sums.T @ of_sums
        of_entries = np.einsum("ed,ed->e", of_sums[batch.rows], vectors[at_items])
        self._move(ids, gradient, np.bincount(batch.steps, of_entries, minlength=STEPS), rate)

    def _move(self, ids: np.ndarray, gradient: np.ndarray, of_weights: np.ndarray, rate: float) -> None:
        self._squares[ids] += gradient**2
        self.vectors[ids] -= np.float32(rate) * gradient / np.sqrt(self._squares[ids])
        of_weights[0] = 0  # only ratios matter, so the last item's weight stays 1
        self._weight_squares += of_weights**2
        self.weights -= rate * of_weights / np.sqrt(self._weight_squares)


def gradients(
    sessions: np.ndarray, candidates: np.ndarray, targets: np.ndarray, drawn: np.ndarray, log_expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the mean loss with respect to the sessions, and to the candidates (drawn items, then targets).

    The loss of a session is the cross-entropy of its target against the drawn items: softmax of cosine / temperature.
    """
    negatives, positives = np.split(candidates, [len(drawn)])
    # In place: allocating arrays (sessions, drawn) costs more than the arithmetic.
    scores = sessions @ negatives.T
    scores /= np.float32(TEMPERATURE)
    scores -= log_expected
    np.copyto(scores, -np.inf, where=targets[:, None] == drawn.astype(targets.dtype))  # the target itself was drawn
    own = np.einsum("vd,vd->v", sessions, positives) / np.float32(TEMPERATURE)
    top = np.maximum(scores.max(axis=1), own)
    scores -= top[:, None]
    against = np.exp(scores, out=scores)
    own = np.exp(own - top)
    total = against.sum(axis=1) + own
    against /= (total * np.float32(TEMPERATURE * len(sessions)))[:, None]
    towards = (((own / total) - 1) / np.float32(TEMPERATURE * len(sessions)))[:, None]
    return against @ negatives + towards * positives, np.concatenate([against.T @ sessions, towards * sessions])


def _scattered(places: np.ndarray, size: int) -> csr_array:
    """(size, places) of ones: the matrix that sums the rows of each place."""
    return csr_array((np.ones(len(places), np.float32), (places, np.arange(len(places)))), shape=(size, len(places)))


def _normalised(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vectors scaled to length 1, and their former lengths; a zero vector stays zero."""
    lengths = np.sqrt(np.einsum("vd,vd->v", vectors, vectors) + np.float32(1e-12))
    return vectors / lengths[:, None], lengths


def _tangent(slopes: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The component of each gradient that is orthogonal to its unit vector."""
    return np.asarray(slopes - np.einsum("vd,vd->v", slopes, units)[:, None] * units)


def _start_weights() -> np.ndarray:
    return np.asarray(np.exp(-START_DECAY * np.arange(STEPS)), np.float32)
