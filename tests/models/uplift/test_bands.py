import numpy as np

from models.uplift.bands import uplift_bands


def test_the_four_bands() -> None:
    low = np.array([0.01, -0.05, -0.02, -0.02])
    high = np.array([0.05, -0.01, 0.02, 0.02])
    baseline_rate = np.array([0.1, 0.1, 0.3, 0.1])
    assert list(uplift_bands(low, high, baseline_rate, 0.2)) == [
        "persuadable",
        "leave_alone",
        "sure_thing",
        "lost_cause",
    ]


def test_an_interval_of_zero_is_undecided() -> None:
    assert list(uplift_bands(np.zeros(1), np.zeros(1), np.array([0.2]), 0.2)) == ["sure_thing"]
