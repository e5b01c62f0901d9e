import numpy as np
import pytest

from models.statistics.maximum_likelihood import maximum_likelihood


def normal_in_logs(parameters: np.ndarray) -> float:
    return -float(((np.log(parameters) - np.log([0.02, 500.0])) ** 2).sum()) / 2


def test_the_greatest_likelihood_is_found_far_from_the_start() -> None:
    assert maximum_likelihood(normal_in_logs, (1.0, 1.0)) == pytest.approx([0.02, 500.0], rel=1e-4)


def test_a_prior_as_strong_as_the_data_meets_them_half_way() -> None:
    found = maximum_likelihood(normal_in_logs, (1.0, 1.0), prior_weight=1.0)
    assert found == pytest.approx(np.sqrt([0.02, 500.0]), rel=1e-4)


def test_a_likelihood_without_a_summit_ends_at_a_bound() -> None:
    assert np.isfinite(maximum_likelihood(lambda parameters: float(np.log(parameters).sum()), (2.0,))).all()
