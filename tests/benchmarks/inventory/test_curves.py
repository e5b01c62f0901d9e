"""Between two points of a policy's curve its metrics are interpolated; beyond the curve there are none."""

import pytest

from benchmarks.inventory.curves import SERVICE_GRID, at_equal_service

# Cost rises by 10 from point to point, the fill rate by .1; two points have the same fill rate.
CURVE = [
    {"fill_rate": rate, "total_cost": 10.0 * number} for number, rate in enumerate((0.5, 0.6, 0.6, 0.7, 0.8), start=1)
]


def test_metrics_are_interpolated_at_the_wanted_service() -> None:
    found = at_equal_service(CURVE, "fill_rate", 0.75)
    assert found is not None
    assert found["fill_rate"] == pytest.approx(0.75)
    assert found["total_cost"] == pytest.approx(45.0)


def test_of_equal_service_the_cheaper_level_counts() -> None:
    found = at_equal_service(CURVE, "fill_rate", 0.6)
    assert found is not None
    assert found["total_cost"] == pytest.approx(20.0)


@pytest.mark.parametrize("wanted", [0.4, 0.9])
def test_service_beyond_the_curve_has_no_metrics(wanted: float) -> None:
    assert at_equal_service(CURVE, "fill_rate", wanted) is None


def test_the_grid_rises() -> None:
    assert list(SERVICE_GRID) == sorted(set(SERVICE_GRID))
