"""The plan that a simulated store leaves tells what the truth tells, and what is to come."""

from datetime import timedelta

import numpy as np
import pandas as pd

from pipelines.families.demand.covariates import OUT_OF_STOCK, PROMOTION, load_demand_calendar
from pipelines.simulate.calendar import DAYS_PLANNED
from tests.pipelines.simulate.conftest import PARAMETERS, ReadStore


def planned(store: ReadStore, covariate: str, items: np.ndarray, days: int) -> np.ndarray:
    calendar = load_demand_calendar(store.written.calendar_path)
    values = calendar.values(covariate, items, np.full(len(items), ""), np.datetime64(PARAMETERS.start), days)
    return np.nan_to_num(values)


def truth(store: ReadStore, column: str) -> pd.DataFrame:
    days = store.truth("item_days")
    return days.pivot(index="item_id", columns="date", values=column).astype(float).fillna(0)


def test_it_has_the_past_promotions(store: ReadStore) -> None:
    told = truth(store, "discount_percent")
    found = planned(store, PROMOTION, told.index.to_numpy(dtype=str), PARAMETERS.days)
    np.testing.assert_allclose(found, told.to_numpy() / 100, atol=1e-6)
    assert found.any()


def test_it_has_the_stock_outs(store: ReadStore) -> None:
    told = truth(store, "is_out_of_stock")
    found = planned(store, OUT_OF_STOCK, told.index.to_numpy(dtype=str), PARAMETERS.days)
    np.testing.assert_array_equal(found, told.to_numpy())
    assert found.any()


def test_it_reaches_beyond_the_last_day_for_promotions_alone(store: ReadStore) -> None:
    items = truth(store, "discount_percent").index.to_numpy(dtype=str)
    days = PARAMETERS.days + DAYS_PLANNED
    ahead = planned(store, PROMOTION, items, days)[:, PARAMETERS.days :]
    assert 0.02 < (ahead > 0).mean() < 0.12  # of items, in any week
    assert not planned(store, OUT_OF_STOCK, items, days)[:, PARAMETERS.days :].any()
    last = max(entry.last for entry in load_demand_calendar(store.written.calendar_path).entries)
    assert last <= PARAMETERS.start + timedelta(days=days - 1)
