"""Lifecycle stages in a store where customers return within 30 days and lapse after 60."""

import numpy as np
import pytest

from models.segments.lifecycle import ACTIVE, COOLING, LAPSED, NEW, WON_BACK, lifecycle_stages

NONE = float("nan")


@pytest.mark.parametrize(
    ("recency", "tenure", "last_gap", "stage"),
    [
        (0, 0, NONE, NEW),
        (29.9, 29.9, NONE, NEW),
        (30, 30, NONE, COOLING),  # came once, and has not returned when most do
        (5, 30, 25, ACTIVE),
        (5, 400, 59, ACTIVE),
        (5, 400, 60, WON_BACK),  # silent for as long as it takes to lapse, then here again
        (31, 400, 60, COOLING),  # won back, and growing quiet again
        (59.9, 400, 10, COOLING),
        (60, 400, 10, LAPSED),
        (60, 60, NONE, LAPSED),
    ],
)
def test_stage(recency: float, tenure: float, last_gap: float, stage: str) -> None:
    stages = lifecycle_stages(np.array([recency]), np.array([tenure]), np.array([last_gap]), 30, 60)
    assert stages.tolist() == [stage]
