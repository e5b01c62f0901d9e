"""What a segmentation foretells, and why customers changed segment from one run to the next."""

from typing import Any, Final

import numpy as np

SHOWN_MOVES: Final = 10
SHRINKAGE: Final = 10.0  # of a segment's effect, as if so many customers of average outcome were in it
NOTHING: Final = 1e-9


def explained_variance(
    earlier: tuple[list[np.ndarray], np.ndarray], later: tuple[list[np.ndarray], np.ndarray]
) -> float | None:
    """How much of a later outcome's variance the segments foretell, 0 to 1; a level that moved for all costs nothing.

    Both are (groupings, outcome): some ways to group the same customers, (customers,) each, and (customers,). What a
    segment adds to the outcome is learned at the earlier point in time, by ridge regression, since a segment of three
    customers says little; it is judged by its squared correlation with the later outcome. None where that is the same
    for all.
    """
    names = [np.unique(grouping) for grouping in earlier[0]]
    was, now = _indicators(earlier[0], names), _indicators(later[0], names)
    outcome = earlier[1] - earlier[1].mean()
    effects = np.linalg.solve(was.T @ was + SHRINKAGE * np.eye(was.shape[1]), was.T @ outcome)
    predicted = now @ effects
    if np.ptp(later[1]) == 0:
        return None
    if np.ptp(predicted) < NOTHING:
        return 0.0
    return max(float(np.corrcoef(predicted, later[1])[0, 1]), 0.0) ** 2


def segment_changes(
    before: np.ndarray, after: np.ndarray, under_old: np.ndarray, has_ordered: np.ndarray
) -> dict[str, Any]:
    """How many customers changed segment, and why; all (customers,).

    `under_old` is where today's numbers would put them under yesterday's boundaries: who would have stayed moved only
    because a boundary did. The others did something themselves: they ordered, or they did not, and grew quieter,
    browsed or sent something back.
    """
    changed = before != after
    by_themselves = under_old != before
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
    """The commonest moves, from where to where."""
    pairs = np.array([before, after], dtype=str).T
    found, counts = np.unique(pairs, axis=0, return_counts=True) if len(pairs) else (pairs, np.empty(0, int))
    order = np.argsort(-counts, kind="stable")[:SHOWN_MOVES]
    return [{"from": str(found[n][0]), "to": str(found[n][1]), "customers": int(counts[n])} for n in order.tolist()]


def _indicators(groupings: list[np.ndarray], names: list[np.ndarray]) -> np.ndarray:
    """One column per grouping and name, (customers, names); a name that is not among them is nowhere."""
    columns = [grouping[:, None] == known for grouping, known in zip(groupings, names, strict=True)]
    return np.concatenate(columns, axis=1).astype(float)
