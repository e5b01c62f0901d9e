"""Quality of a segmentation: what it predicts, and its stability from one run to the next."""

from typing import Any, Final

import numpy as np

SHOWN_MOVES: Final = 10
SHRINKAGE: Final = 10.0  # of a segment's effect: the ridge penalty, in customers of average outcome
TINY: Final = 1e-9


def outcome_by_segments(earlier: tuple[list[np.ndarray], np.ndarray], later: list[np.ndarray]) -> np.ndarray:
    """The outcome that segments predict for later customers, up to a common shift, (customers,).

    `earlier` is (groupings, outcome): segmentations of the same customers, (customers,) each, and their outcome,
    (customers,); `later` the same groupings at a later time. The segments' effects are fitted at the earlier time, by
    ridge regression.
    """
    names = [np.unique(grouping) for grouping in earlier[0]]
    was, now = _indicators(earlier[0], names), _indicators(later, names)
    outcome = earlier[1] - earlier[1].mean()
    effects = np.linalg.solve(was.T @ was + SHRINKAGE * np.eye(was.shape[1]), was.T @ outcome)
    return np.asarray(now @ effects)


def explained_variance(predicted: np.ndarray, outcome: np.ndarray) -> float | None:
    """The share of the outcome's variance that is predicted, 0 to 1; a common shift does not count.

    Both (customers,). The squared correlation, 0 where that is negative; None where the outcome is constant.
    """
    if np.ptp(outcome) == 0:
        return None
    return 0.0 if np.ptp(predicted) < TINY else max(float(np.corrcoef(predicted, outcome)[0, 1]), 0.0) ** 2


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
