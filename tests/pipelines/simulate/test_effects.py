"""Planted effects are found again by plain aggregation, and vanish where the link to them is cut."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.simulate.parameters import StoreParameters
from tests.pipelines.simulate.conftest import ReadStore, read_store


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> ReadStore:
    """Few items and many customers, so that little is left to chance."""
    folder: Path = tmp_path_factory.mktemp("busy")
    return read_store(StoreParameters(customers=900, items=40, days=140, seed=3, promotion_share=0.12), folder)


@pytest.fixture(scope="module")
def units(busy: ReadStore) -> pd.DataFrame:
    """Units sold (days, items), from the events alone."""
    lines = busy.order_lines()
    lines["date"] = lines["at"].dt.tz_localize(None).dt.floor("D")
    return lines.pivot_table(index="date", columns="item_id", values="quantity", aggfunc="sum", fill_value=0)


def promotion_ratio(units: pd.DataFrame, promoted: pd.DataFrame) -> float:
    """Units on promoted days over what the items' means would give on as many days."""
    return float(units.where(promoted).sum().sum() / (units.where(~promoted).mean() * promoted.sum()).sum())


def test_promotions_lift_sales(busy: ReadStore, units: pd.DataFrame) -> None:
    truth = busy.truth("item_days")
    truth["date"] = pd.to_datetime(truth["date"])
    planted = truth.pivot(index="date", columns="item_id", values="discount_percent") > 0
    promoted = planted.reindex(index=units.index, columns=units.columns, fill_value=False)
    assert promotion_ratio(units, promoted) > 1.5
    rng = np.random.default_rng(5)
    shuffled = [
        pd.DataFrame(promoted.to_numpy()[rng.permutation(len(promoted))], promoted.index, promoted.columns)
        for _ in range(20)
    ]
    assert max(promotion_ratio(units, days) for days in shuffled) < 1.4


def test_promotions_cut_prices(busy: ReadStore) -> None:
    lines = busy.order_lines()
    full = lines.groupby("item_id")["price"].transform("max")
    assert 0.02 < (lines["price"] < full).mean() < 0.5


def test_weekdays_are_found(busy: ReadStore, units: pd.DataFrame) -> None:
    effects = busy.truth("effects").query("effect == 'weekday_factor'")
    planted = effects["value"].to_numpy()
    sessions = pd.Series([event.occurred_at.weekday() for event in busy.events]).value_counts().sort_index().to_numpy()
    found = sessions / sessions.mean()
    assert np.corrcoef(found, planted)[0, 1] > 0.9
    assert np.abs(found - planted / planted.mean()).max() < 0.12
    shuffled = np.random.default_rng(2).permutation([event.occurred_at.toordinal() % 6 for event in busy.events])
    assert np.ptp(np.bincount(shuffled) / np.bincount(shuffled).mean()) < np.ptp(planted)


def test_shoppers_follow_their_tastes(busy: ReadStore) -> None:
    lines = busy.order_lines().dropna(subset="user_id")
    customers, items = busy.truth("customers").set_index("customer_id"), busy.truth("items").set_index("item_id")
    tastes = np.stack(customers["taste"].reindex(lines["user_id"]).to_list())
    bought = np.stack(items["taste"].reindex(lines["item_id"]).to_list())
    affinity = (tastes * bought).sum(axis=1).mean()
    by_chance = (np.random.default_rng(1).permutation(tastes) * bought).sum(axis=1).mean()
    assert affinity > by_chance + 0.2


def test_complements_are_bought_together(busy: ReadStore) -> None:
    lines = busy.order_lines()
    partners = busy.truth("items").set_index("item_id")["complements"]
    baskets = lines.groupby("order_id")["item_id"].agg(list)

    def hits(baskets: list[list[str]]) -> int:
        return sum(partner in basket for basket in baskets for item in basket for partner in partners[item])

    pool = np.random.default_rng(4).permutation(lines["item_id"].to_numpy())
    ends = np.cumsum(baskets.map(len).to_numpy())
    shuffled = [list(part) for part in np.split(pool, ends[:-1])]
    assert hits(baskets.to_list()) > 2 * hits(shuffled)


def test_expected_units_follow_the_days(busy: ReadStore) -> None:
    item_days = busy.truth("item_days")
    by_day = item_days.groupby("date")[["expected_units", "units_wanted"]].sum()
    found = np.corrcoef(by_day["expected_units"], by_day["units_wanted"])[0, 1]
    shuffled = np.corrcoef(np.random.default_rng(1).permutation(by_day["expected_units"]), by_day["units_wanted"])[0, 1]
    assert found > 0.3 > abs(shuffled)
