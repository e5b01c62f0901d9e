"""Qini: how well a score ranks customers by the effect of contacting them, measured on a randomised experiment.

One formula, that of scikit-uplift's `qini_auc_score` (Radcliffe 2007; Devriendt, Guns and Verbeke 2020), so that
figures compare. Customers are sorted by falling score; wherever the score changes, the curve is

    Y_t(n) - Y_c(n) * N_t(n) / N_c(n)

with N the treated (t) and control (c) customers among the first n, and Y their orders; before the first control
customer the second term is 0. Qini is the area between the curve and the straight line to its end, divided by the same
area for the best possible ranking: treated who ordered first, control who ordered last. 0: as good as chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

TOP_SHARE: Final = 0.3
RESAMPLES: Final = 200


def qini(outcome: np.ndarray, treated: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float | None:
    """Qini of a score (customers,), given 0/1 outcomes and 0/1 treatments; `weight` counts customers more than once.

    None where it is not defined: an arm is empty, or no ranking could be better than another.
    """
    assert outcome.shape == treated.shape == score.shape
    if not 0 < treated.sum() < len(treated):
        return None
    counts = np.ones(len(outcome)) if weight is None else weight
    best = _Ranking.of(_best_score(outcome, treated)).area(outcome, treated, counts)
    return float(_Ranking.of(score).area(outcome, treated, counts) / best) if best > 0 else None


def uplift_at(outcome: np.ndarray, treated: np.ndarray, score: np.ndarray, share: float = TOP_SHARE) -> float | None:
    """Treated less control mean outcome among the `share` of customers who score highest; None: an arm is empty.

    Ties are broken as in scikit-uplift's `uplift_at_k(strategy="overall")`: the later row first.
    """
    top = _falling(score)[: int(len(score) * share)]
    is_treated = treated[top] == 1
    if not 0 < is_treated.sum() < len(top):
        return None
    return float(outcome[top][is_treated].mean() - outcome[top][~is_treated].mean())


def qini_resamples(
    outcome: np.ndarray,
    treated: np.ndarray,
    scores: Mapping[str, np.ndarray],
    seed: int,
    weight: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, np.ndarray]:
    """Qini of each score on the same bootstrap samples of the customers: name -> (resamples,); NaN where undefined.

    The samples are shared, so that the spread of a difference of two scores is that of the difference.
    """
    generator = np.random.default_rng(seed)
    counts = np.ones(len(outcome)) if weight is None else weight
    rankings = {name: _Ranking.of(score) for name, score in scores.items()}
    ideal = _Ranking.of(_best_score(outcome, treated))
    drawn = {name: np.full(resamples, np.nan) for name in scores}
    for number in range(resamples):
        sample = counts * np.bincount(generator.integers(len(outcome), size=len(outcome)), minlength=len(outcome))
        best = ideal.area(outcome, treated, sample)
        for name, ranking in rankings.items():
            if best > 0:
                drawn[name][number] = ranking.area(outcome, treated, sample) / best
    return drawn


def resampled_qini(
    outcome: np.ndarray, treated: np.ndarray, weight: np.ndarray, score: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """Qini of each resample, (resamples,), where row i counts `times` (resamples, rows) times its weight."""
    counts = times * weight
    best = _Ranking.of(_best_score(outcome, treated)).area(outcome, treated, counts)
    area = _Ranking.of(score).area(outcome, treated, counts)
    return np.divide(area, best, out=np.full(len(times), np.nan), where=best > 0)


@dataclass(frozen=True)
class _Ranking:
    """Customers by falling score, and where each run of equal scores ends."""

    order: np.ndarray  # (customers,)
    ends: np.ndarray  # (different scores,)

    @classmethod
    def of(cls, score: np.ndarray) -> Self:
        order = _falling(score)
        return cls(order, np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1))

    def area(self, outcome: np.ndarray, treated: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Area between the Qini curve and the straight line to its end, in orders times customers.

        `weight` (..., customers); the areas are (...).
        """
        outcome, treated, weight = outcome[self.order], treated[self.order], weight[..., self.order]
        treated_count, count = self._totals(treated * weight), self._totals(weight)
        treated_orders = self._totals(outcome * treated * weight)
        control_orders = self._totals(outcome * (1 - treated) * weight)
        control_count = count - treated_count
        ratio = np.divide(treated_count, control_count, out=np.zeros_like(treated_count), where=control_count > 0)
        curve = treated_orders - control_orders * ratio
        return np.asarray(np.trapezoid(curve, count, axis=-1) - count[..., -1] * curve[..., -1] / 2)

    def _totals(self, values: np.ndarray) -> np.ndarray:
        totals = np.cumsum(values, axis=-1, dtype=np.float64)[..., self.ends]
        return np.concatenate([np.zeros((*totals.shape[:-1], 1)), totals], axis=-1)


def _best_score(outcome: np.ndarray, treated: np.ndarray) -> np.ndarray:
    return np.asarray(outcome * (2.0 * treated - 1))


def _falling(score: np.ndarray) -> np.ndarray:
    return np.asarray(np.argsort(score, kind="stable")[::-1])
