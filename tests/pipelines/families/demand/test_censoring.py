"""Zeros that chance cannot explain, in worlds where chance is known."""

import numpy as np
import pytest

from pipelines.families.demand.censoring import (
    LONGEST_OPEN_DAYS,
    inferred_stock_outs,
    reported_stock_outs,
    store_factor,
)

ITEMS, DAYS = 200, 730
RATE = 0.02


def poisson_world(level: float, seed: int = 0, weekday: np.ndarray | None = None) -> np.ndarray:
    factor = np.ones(7) if weekday is None else weekday
    rate = np.full((ITEMS, 1), level) * factor[np.arange(DAYS) % 7]
    return np.random.default_rng(seed).poisson(rate)


def found(units: np.ndarray, stock: float = np.nan) -> np.ndarray:
    since = (units > 0).argmax(axis=1)
    return inferred_stock_outs(units, since, np.full(len(units), stock), RATE)


def runs(marked: np.ndarray) -> int:
    return int((np.diff(np.pad(marked, ((0, 0), (1, 0))).astype(np.int8), axis=1) == 1).sum())


@pytest.mark.parametrize("level", [0.1, 0.4, 1.0, 3.0])
def test_false_alarms_are_as_few_as_promised(level: float) -> None:
    item_years = ITEMS * DAYS / 365
    allowed = RATE * item_years + 3 * np.sqrt(RATE * item_years)
    assert runs(found(poisson_world(level))) <= allowed


@pytest.mark.parametrize(("level", "is_found"), [(3.0, True), (0.2, False)])
def test_a_week_without_a_fast_item_is_found_and_one_without_a_slow_item_is_not(level: float, is_found: bool) -> None:
    """A slow item must miss 40 days: the 33 around a week sell nothing with a probability of .01.

    The weeks of the items are spread over 500 days, so that the store sells as usual on each of them.
    """
    units = poisson_world(level)
    first = 100 + np.arange(ITEMS) * 500 // ITEMS
    is_out = (np.arange(DAYS) >= first[:, None]) & (np.arange(DAYS) < first[:, None] + 7)
    share = found(np.where(is_out, 0, units))[is_out].mean()
    assert share == 1 if is_found else share <= 0.05
    assert found(units)[is_out].mean() <= 0.05  # the control: the same days, with their sales


def test_days_on_which_nothing_sold_at_all_were_closed() -> None:
    units = poisson_world(3.0)
    units[:, 400:407] = 0
    assert found(units)[:, 400:407].sum() == 0


def test_a_shop_closed_on_sundays_is_not_out_of_stock() -> None:
    assert runs(found(poisson_world(3.0, weekday=np.array([1, 1, 1, 1, 1, 1, 0])))) <= 20


@pytest.mark.parametrize(
    ("lasts_days", "stock", "is_found"),
    [
        (LONGEST_OPEN_DAYS, np.nan, True),
        (LONGEST_OPEN_DAYS + 1, np.nan, False),  # the end of the item, more likely than of its stock
        (LONGEST_OPEN_DAYS + 1, 0.0, True),
        (LONGEST_OPEN_DAYS, 5.0, False),  # it is there, and nobody wants it
    ],
)
def test_a_run_that_still_lasts_may_be_the_end_of_the_item(lasts_days: int, stock: float, is_found: bool) -> None:
    units = poisson_world(3.0)
    units[0, DAYS - lasts_days :] = 0
    units[0, DAYS - lasts_days - 1] = 3
    assert found(units, stock)[0, DAYS - lasts_days :].tolist() == [is_found] * lasts_days


def test_the_stores_factor_knows_days_on_which_nothing_sold() -> None:
    is_sold = np.ones((10, 200), dtype=bool)
    is_sold[:, 50] = False
    factor = store_factor(is_sold, np.ones_like(is_sold))
    assert factor[50] == 0
    assert factor[100] == pytest.approx(1, abs=0.02)


def test_a_reported_zero_counts_from_its_day_until_something_sells() -> None:
    units = np.zeros((3, 10))
    units[1, 6] = 2
    empty = reported_stock_outs(np.array([0.0, 0.0, 4.0]), np.array([4, 4, 4]), units)
    assert [row.nonzero()[0].tolist() for row in empty] == [[4, 5, 6, 7, 8, 9], [7, 8, 9], []]
    assert not reported_stock_outs(np.array([np.nan]), np.array([0]), units[:1]).any()
