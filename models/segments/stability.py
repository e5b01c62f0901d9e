"""Quality of a segmentation: what it predicts, and its stability from one run to the next."""

from typing import Any, Final

import numpy as np

SHOWN_MOVES: Final = 10
SHRINKAGE: Final = 10.0  # of a segment's effect: the ridge penalty, in customers of average outcome
TINY: Final = 1e-9


def explained_variance(
    earlier: tuple[list[np.ndarray], np.ndarray], later: tuple[list[np.ndarray], np.ndarray]
) -> float | None:
    """The share of a later outcome's variance that the segments predict, 0 to 1; a common shift does not count.

    Both arguments are (groupings, outcome): segmentations of the same customers, (customers,) each, and their outcome,
    (customers,). The segments' effects are fitted at the earlier time, by ridge regression; the result is the squared
    correlation of their prediction with the later outcome. None where that is constant.
    """
    names = [np.unique(grouping) for grouping in earlier[0]]
    was, now = _indicators(earlier[0], names), _indicators(later[0], names)
    outcome = earlier[1] - earlier[1].mean()
    effects = np.linalg.solve(was.T @ was + SHRINKAGE * np.eye(was.shape[1]), was.T @ outcome)
    predicted = now @ effects
    if np.ptp(later[1]) == 0:
        return None
    if np.ptp(predicted) < TINY:
        return 0.0
    return max(float(np.corrcoef(predicted, later[1])[0, 1]), 0.0) ** 2


def segment_stability(
    before: np.ndarray, after: np.ndarray, with_old_boundaries: np.ndarray, has_ordered: np.ndarray
) -> dict[str, Any]:
    """How many customers changed segment, and why; all (customers,).

    `with_old_boundaries` are today's segments by yesterday's boundaries. Customers who would have stayed there changed
    only because a boundary moved. The others changed by an order, or by time, visits or refunds.
    """
    changed = before != after
    by_themselves = with_old_boundaries != before
    causes = {
        "ordered": changed & by_themselves & has_ordered,
        "time_or_visits": changed & by_themselves & ~has_ordered,
        "boundary_moved": changed & ~by_themselves,
    }
    count = max(len(before), 1)
    return {
        "changed": int(changed.sum()),
        "changed_share": float(changed.sum() / count),
        **{name: int(mask.sum()) for name, mask in causes.items()},
        "boundary_moved_share": float(causes["boundary_moved"].sum() / count),
        "moves": _moves(before[changed], after[changed]),
    }


def _moves(before: np.ndarray, after: np.ndarray) -> list[dict[str, Any]]:
    """The most frequent changes."""
    pairs = np.array([before, after], dtype=str).T
    unique, counts = np.unique(pairs, axis=0, return_counts=True) if len(pairs) else (pairs, np.empty(0, int))
    order = np.argsort(-counts, kind="stable")[:SHOWN_MOVES]
    return [{"from": str(unique[n][0]), "to": str(unique[n][1]), "customers": int(counts[n])} for n in order.tolist()]


def _indicators(groupings: list[np.ndarray], names: list[np.ndarray]) -> np.ndarray:
    """One column per grouping and name, (customers, names); unknown names are all zeros."""
    columns = [grouping[:, None] == known for grouping, known in zip(groupings, names, strict=True)]
    return np.concatenate(columns, axis=1).astype(float)
