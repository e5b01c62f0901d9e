"""The audit: a planted gap is found, an even world gives none, small cells are never shown."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import InputError
from pipelines.campaigns.fairness_audit import Audit, Cell, audit, wilson_interval
from pipelines.publishing.next_best_action import OFFER

COUNT = 4000


def world(seed: int = 1, **planted: Any) -> tuple[pa.Table, pa.Table]:
    """Customers, and what the backtest said of them: by default region, channel, device and newness say nothing."""
    random = np.random.default_rng(seed)
    risk = random.beta(2, 3, COUNT)
    columns: dict[str, Any] = {
        "customer_id": [f"customer-{number:05d}" for number in range(COUNT)],
        "orders": random.integers(1, 4, COUNT),
        "country": random.choice(["DE", "FR", "AT"], COUNT, p=[0.6, 0.3, 0.1]),
        "channel": random.choice(["email", "search"], COUNT),
        "device": random.choice(["mobile", "desktop"], COUNT),
        "churn_risk": risk,
        "suggested_action": np.where(random.random(COUNT) < 0.3, OFFER, "send a reminder"),
        "outcome": (random.random(COUNT) < risk).astype(np.int8),
    }
    columns |= {name: change(columns) for name, change in planted.items()}
    tested = {name: columns[name] for name in ("customer_id", "churn_risk", "orders")}
    backtest = pa.table(tested | {"churn_outcome": columns.pop("outcome")})
    return pa.table(columns), backtest


def french(columns: dict[str, Any]) -> np.ndarray:
    return np.asarray(columns["country"] == "FR")


def gaps(found: Audit) -> set[tuple[str, str, str]]:
    return {(gap.grouping, gap.group, gap.measure) for gap in found.gaps}


def cells(found: Audit, grouping: str) -> dict[str, Cell]:
    return {cell.group: cell for cell in found.groupings[grouping]}


@pytest.mark.parametrize("seed", range(4))
def test_a_world_without_gaps_gives_no_warning(seed: int) -> None:
    found = audit(*world(seed))
    assert not found.gaps
    assert not found.notes
    assert set(found.groupings) == {"region", "channel", "device", "newness"}


def test_a_planted_gap_in_risk_is_found() -> None:
    found = audit(*world(churn_risk=lambda columns: columns["churn_risk"] * np.where(french(columns), 0.6, 1)))
    assert ("region", "FR", "risk") in gaps(found)
    assert {gap.grouping for gap in found.gaps} == {"region"}
    (words,) = {gap.words for gap in found.gaps if gap.measure == "risk"}
    assert words.startswith("region FR: mean churn risk")


def test_a_planted_gap_in_offers_is_found() -> None:
    def fewer(columns: dict[str, Any]) -> np.ndarray:
        return np.where(french(columns) & (np.arange(COUNT) % 2 == 0), "leave alone", columns["suggested_action"])

    found = audit(*world(suggested_action=fewer))
    assert gaps(found) == {("region", "FR", "offer_rate")}


def test_a_planted_gap_in_calibration_is_found() -> None:
    found = audit(*world(outcome=lambda columns: columns["outcome"] * ~(french(columns) & (np.arange(COUNT) % 2 == 0))))
    assert gaps(found) == {("region", "FR", "calibration")}


def test_a_gap_within_chance_is_not_reported() -> None:
    customers, backtest = world()
    assert not audit(customers.slice(0, 150), backtest).gaps
    found = cells(audit(customers.slice(0, 150), backtest, minimum_cell=10), "region")
    rates = [cell.offer_rate for cell in found.values() if cell.offer_rate is not None]
    assert min(rates) < 0.8 * max(rates)  # the rates do differ


def test_rates_are_those_of_the_group() -> None:
    customers, backtest = world()
    cell = cells(audit(customers, backtest), "region")["FR"]
    frame = customers.to_pandas()
    group = frame[frame.country == "FR"]
    assert cell.customers == cell.cases == cell.scored == len(group)
    assert cell.risk == cell.predicted == pytest.approx(group.churn_risk.mean())
    assert cell.offer_rate == pytest.approx((group.suggested_action == OFFER).mean())


def test_small_groups_are_merged_into_other_and_never_shown() -> None:
    def rare(columns: dict[str, Any]) -> np.ndarray:
        country = columns["country"].copy()
        country[:10], country[10:25], country[25:45] = "LI", "MC", "SM"
        return np.asarray(country)

    found = audit(*world(country=rare))
    assert set(cells(found, "region")) == {"DE", "FR", "AT", "other"}
    assert cells(found, "region")["other"].customers == 45


def test_other_takes_in_the_smallest_group_until_it_is_large_enough() -> None:
    """One customer alone in "other" could be told from the totals."""

    def single(columns: dict[str, Any]) -> np.ndarray:
        country = columns["country"].copy()
        country[0] = "LI"
        return np.asarray(country)

    customers, backtest = world(country=single)
    found = cells(audit(customers, backtest), "region")
    assert set(found) == {"DE", "FR", "other"}
    assert found["other"].customers > 30


@pytest.mark.parametrize("minimum", [1, 30, 100, 10_000])
def test_no_cell_is_smaller_than_the_minimum(minimum: int) -> None:
    customers, backtest = world()
    found = audit(customers.slice(0, 300), backtest.slice(0, 150), minimum)
    for shown in found.groupings.values():
        for cell in shown:
            assert cell.customers >= minimum
            assert cell.cases is None or cell.cases >= minimum
            assert (cell.actual is None) == (cell.cases is None)
    assert bool(found.groupings) == (minimum < 300)


def test_unknown_is_a_group_of_its_own_and_customers_without_an_order_are_left_out() -> None:
    customers, backtest = world(
        country=lambda columns: [None if here == "FR" else here for here in columns["country"].tolist()],
        orders=lambda columns: np.where(np.arange(COUNT) < 100, 0, columns["orders"]),
    )
    found = audit(customers, backtest)
    assert "unknown" in cells(found, "region")
    assert found.overall.customers == COUNT - 100


def test_new_and_returning_customers_are_those_of_the_backtests_date() -> None:
    """A control: by today's orders, all customers who were new then and came back would count as returning."""
    customers, backtest = world()
    came_back = 1 - backtest["churn_outcome"].to_numpy()
    now = customers.set_column(1, "orders", pa.array(backtest["orders"].to_numpy() + 5 * came_back))
    assert "calibration" not in {gap.measure for gap in audit(now, backtest).gaps}
    found = audit(now, backtest.drop_columns("orders"))
    assert {cell.actual for cell in found.groupings["newness"]} == {None}
    assert "does not say how many orders" in found.notes[-1]


@pytest.mark.parametrize("missing", ["country", "channel", "device", "orders", "churn_risk", "suggested_action"])
def test_any_column_may_be_missing_and_a_note_says_so(missing: str) -> None:
    customers, backtest = world()
    found = audit(customers.drop_columns(missing), backtest)
    assert not found.gaps
    assert [note for note in found.notes if missing in note]


def test_without_a_backtest_the_rest_is_shown() -> None:
    customers, _ = world()
    found = audit(customers, None)
    assert found.overall.risk is not None
    assert found.overall.predicted is None
    assert "no backtest" in found.notes[-1]


def test_a_minimum_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="minimum cell is 0"):
        audit(*world(), minimum_cell=0)


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = wilson_interval(0.3, 10, 0.95)
    assert (low, high) == pytest.approx((0.1078, 0.6032), abs=1e-4)
    assert wilson_interval(0.0, 10, 0.95)[0] == pytest.approx(0)
