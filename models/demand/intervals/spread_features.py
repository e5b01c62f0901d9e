"""What tells how far demand may lie from what is expected of a row."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from models.demand.features.rows import Rows

_TOLD: Final = (
    "spread",
    "sale_cv2",
    "selling_share_long",
    "selling_share_short",
    "counted_periods",
    "since_sale",
    "step",
)
_TINY: Final = 1e-9


def spread_features(
    rows: Rows, mean: np.ndarray, median: np.ndarray, candidates: Mapping[str, np.ndarray]
) -> np.ndarray:
    """(rows, features) float32: how many sales are expected, what the series was like, and how far methods agree."""
    column = {name: place for place, name in enumerate(rows.names)}
    stacked = np.stack(list(candidates.values()))
    expected = np.maximum(mean, _TINY)
    columns = [
        np.log(expected / np.maximum(rows.sale, _TINY)),
        np.log(expected / rows.level),
        np.minimum(median / expected, 3),
        np.minimum(stacked.std(axis=0) / expected, 3),
        *(rows.features[:, column[name]] for name in _TOLD),
    ]
    return np.column_stack(columns).astype(np.float32)
