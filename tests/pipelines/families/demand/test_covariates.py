"""What is known of the days to come reaches every one of them, or is asked for."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import SettingsError
from pipelines.families.demand.covariates import DemandCalendar, known_future, load_demand_calendar, price_cuts
from pipelines.families.demand.sales import Assortment, Span
from pipelines.features.public_holidays import public_holidays

ITEMS = Assortment(np.array(["jam", "tea"]), np.array(["food", ""]))
SPAN = Span(np.datetime64("2025-01-01"), 10, 4)
HOLIDAYS = public_holidays("DE", SPAN.first, SPAN.width)


def calendar(folder: Path, *rows: str) -> DemandCalendar:
    path = folder / "calendar.csv"
    path.write_text("\n".join(["date,until,item_id,covariate,value", *rows]), encoding="utf-8")
    return load_demand_calendar(path)


def no_cuts() -> np.ndarray:
    raise AssertionError("nobody plans promotions, so nobody asks what prices were")


def test_without_a_calendar_only_holidays_are_known() -> None:
    assert known_future(DemandCalendar(), None, ITEMS, SPAN, no_cuts) == {}
    known = known_future(DemandCalendar(), HOLIDAYS, ITEMS, SPAN, no_cuts)
    assert {name: values.shape for name, values in known.items()} == {"holiday": (1, 14)}
    assert known["holiday"][0].nonzero()[0].tolist() == [0]  # New Year


def test_a_promotion_is_what_is_planned_and_before_that_what_prices_showed(tmp_path: Path) -> None:
    cuts = np.zeros((2, 10), dtype=np.float32)
    cuts[0, 2:4] = 0.2
    plan = calendar(tmp_path, "2025-01-03,,jam,promotion,0.3", "2025-01-12,2025-01-13,tea,promotion,0.1")
    found = known_future(plan, None, ITEMS, SPAN, lambda: cuts)
    known = found["promotion"]
    np.testing.assert_array_equal(found["promoted"], known > 0)
    np.testing.assert_allclose(known[0], [0, 0, 0.3, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(known[1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.1, 0])


def test_what_is_named_now_and_then_is_zero_on_other_days(tmp_path: Path) -> None:
    known = known_future(calendar(tmp_path, "2025-01-02,,,mailing,1"), None, ITEMS, SPAN, no_cuts)["mailing"]
    np.testing.assert_array_equal(known, [[0, 1, *[0] * 12]] * 2)


def test_what_is_named_on_most_days_must_be_named_on_every_day_ahead(tmp_path: Path) -> None:
    until = calendar(tmp_path, "2025-01-03,2025-01-12,,warmth,7")
    message = "gives 'warmth' for most days since 2025-01-03, but not for 2 of the 4 days to come, the first 2025-01-13"
    with pytest.raises(SettingsError, match=message):
        known_future(until, None, ITEMS, SPAN, no_cuts)
    reaching = calendar(tmp_path, "2025-01-03,2025-01-05,,warmth,7", "2025-01-08,2025-01-14,jam,warmth,9")
    known = known_future(reaching, None, Assortment(ITEMS.item_ids[:1], ITEMS.categories[:1]), SPAN, no_cuts)["warmth"]
    assert np.isnan(known[0, :2]).all()  # before it was first noted
    assert known[0, 2:].tolist() == [7] * 5 + [9] * 7  # a gap in the past takes the value before it


def test_a_row_about_nothing_here_is_left_out(tmp_path: Path) -> None:
    assert known_future(calendar(tmp_path, "2025-01-02,,unheard,mailing,1"), None, ITEMS, SPAN, no_cuts) == {}


@pytest.mark.parametrize("name", ["holiday", "promoted"])
def test_names_of_what_is_made_here_are_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' is made of"):
        known_future(calendar(tmp_path, f"2025-01-02,,,{name},1"), HOLIDAYS, ITEMS, SPAN, no_cuts)


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
    price[0, 30:37] = [8, np.nan, np.nan, 8, np.nan, np.nan, 8]
    price[0, 40:55] = [8, *[np.nan] * 13, 8]
    cuts = price_cuts(price)[0]
    np.testing.assert_allclose(cuts[30:37], 0.2)
    assert cuts[41:54].sum() == 0


def test_a_higher_price_a_rounding_and_no_price_at_all_are_none() -> None:
    price = np.full((3, 60), 10.0)
    price[0, 30:] = 12.0
    price[1, 30] = 9.8
    price[2] = np.nan
    assert price_cuts(price).sum() == 0
