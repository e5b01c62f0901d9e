"""Censored customers: the derived numbers, by hand."""

import numpy as np
import pytest

from models.next_purchase.censored_customers import CensoredCustomers, dates_after, gap_days, is_one_time
from tests.models.next_purchase.worlds import observed

CUSTOMERS = observed(np.array([5.0, 7.0]), np.array([np.nan, 30.0]), np.array([np.inf, 12.5]))


def test_a_one_time_buyer_takes_the_median_of_the_store() -> None:
    assert is_one_time(CUSTOMERS.features).tolist() == [True, False]
    assert gap_days(CUSTOMERS.features, 40.0).tolist() == [40.0, 30.0]


@pytest.mark.parametrize(("days", "fraction", "dates"), [(0.4, 0.5, 0), (0.6, 0.5, 1), (0.6, 0.0, 0), (2.0, 0.99, 2)])
def test_an_order_counts_for_the_utc_date_on_which_it_comes(days: float, fraction: float, dates: int) -> None:
    assert dates_after(np.array([days]), fraction).tolist() == [dates]


def test_a_subset_keeps_rows_together() -> None:
    second = CUSTOMERS.subset(np.array([1]))
    assert second.event_days.tolist() == [12.5]
    assert second.features[0, 0] == 7.0
    assert second.follow_up_days == CUSTOMERS.follow_up_days


def test_a_matrix_of_another_width_is_refused() -> None:
    with pytest.raises(AssertionError):
        CensoredCustomers(np.zeros((2, 3)), np.zeros(2), 10.0, 0.0)
