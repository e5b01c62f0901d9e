"""The purchase cadence: which gaps count, how the horizon is bounded, and whom a refusal names."""

import numpy as np
import pytest

from contracts.errors import InputError, NotEnoughData
from models.customers.cadence import MIN_HORIZON_DAYS, CadenceParameters, PurchaseCadence, gaps_between_orders
from tests.worlds import day


def cadence(
    gaps: list[float], history_days: float = 1000, parameters: CadenceParameters = CadenceParameters()
) -> PurchaseCadence:
    return PurchaseCadence.fit(np.array(gaps), day(0), day(history_days), parameters, "churn")


def test_gaps_lie_within_one_customer() -> None:
    gaps = gaps_between_orders(np.array([0, 0, 0, 1, 2, 2]), np.array([1, 4, 14, 2, 50, 57]))
    assert gaps.tolist() == [3, 10, 7]


def test_the_usual_gap_is_the_median_and_the_horizon_a_high_quantile() -> None:
    found = cadence([float(gap) for gap in range(10, 30)])
    assert (found.first_order_at, found.median_gap_days, found.horizon_days) == (day(0), 19.5, 26)
    assert found.lapse_days == 52


@pytest.mark.parametrize(
    ("gap_days", "history_days", "horizon_days"),
    [(60.0, 1000, 60), (60.0, 200, 40), (2.0, 1000, MIN_HORIZON_DAYS), (900.0, 10_000, 365)],
    ids=["as the gaps say", "as the history allows", "not below a week", "not above a year"],
)
def test_the_horizon_is_bounded(gap_days: float, history_days: float, horizon_days: int) -> None:
    assert cadence([gap_days] * 3, history_days).horizon_days == horizon_days


def test_a_parameter_overrides_the_horizon() -> None:
    assert cadence([60.0], parameters=CadenceParameters(horizon_days=14)).horizon_days == 14


@pytest.mark.parametrize("family", ["churn", "segments"])
def test_a_horizon_longer_than_the_history_allows_names_the_family_and_its_setting(family: str) -> None:
    with pytest.raises(NotEnoughData, match=rf"{family} .* 300 days needs 1500 .* families\.{family}\.horizon_days"):
        PurchaseCadence.fit(np.array([5.0]), day(0), day(1000), CadenceParameters(horizon_days=300), family)


def test_without_a_second_order_there_is_no_cadence() -> None:
    with pytest.raises(NotEnoughData, match=r"churn .* more than one day"):
        cadence([])


@pytest.mark.parametrize("wrong", [{"horizon_days": 0}, {"horizon_days": 731}, {"horizon_quantile": 1.0}], ids=str)
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        CadenceParameters(**wrong)  # type: ignore[arg-type]
