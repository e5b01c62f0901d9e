"""Price cuts by hand."""

import numpy as np

from pipelines.families.demand.promotions import price_cuts

NAN = np.nan


def test_a_week_at_a_lower_price_is_a_promotion() -> None:
    price = np.full((1, 60), 10.0)
    price[0, 30:37] = 8.0
    cuts = price_cuts(price)[0]
    np.testing.assert_allclose(cuts[30:37], 0.2)
    assert cuts[:30].sum() == cuts[37:].sum() == 0


def test_a_price_that_stays_low_becomes_the_usual_one() -> None:
    price = np.full((1, 300), 10.0)
    price[0, 100:] = 8.0
    days = price_cuts(price)[0].nonzero()[0]
    assert (days[0], days[-1]) == (100, 144)


def test_days_without_a_price_lie_in_the_promotion_around_them_if_they_are_few() -> None:
    price = np.full((1, 60), 10.0)
    price[0, 30:37] = [8, NAN, NAN, 8, NAN, NAN, 8]
    price[0, 40:55] = [8, *[NAN] * 13, 8]
    cuts = price_cuts(price)[0]
    np.testing.assert_allclose(cuts[30:37], 0.2)
    assert cuts[41:54].sum() == 0


def test_a_higher_price_a_rounding_and_no_price_at_all_are_none() -> None:
    price = np.full((3, 60), 10.0)
    price[0, 30:] = 12.0
    price[1, 30] = 9.8
    price[2] = NAN
    assert price_cuts(price).sum() == 0
