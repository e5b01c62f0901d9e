"""The churn family on stores of customers with known behaviour."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.churn.model import ChurnParameters
from pipelines.families.churn import CHURN, fit_at, rescore
from pipelines.families.family import Backtest, FittedFamily, TrainingData
from pipelines.families.snapshots import CustomerHistory
from pipelines.training.gate import apply_gate
from tests.pipelines.families.baselines import check_baseline
from tests.worlds import day, events_table, order, view

DAYS = 400
PARAMETERS = ChurnParameters(snapshots=6, trees=80, min_rows_per_leaf=20)


def customer_orders(
    name: str, start: float, end: float, gap_days: float, chance: random.Random
) -> list[dict[str, Any]]:
    at, rows = start, []
    while at < end:
        rows += order(name, round(at, 3), {f"item-{chance.randint(0, 5)}": 1})
        at += gap_days * chance.uniform(0.8, 1.2)
    return rows


def rhythmic_store() -> pa.Table:
    """Fast customers buy every 8 days and slow ones every 40; two in three stop one day, which shows as silence."""
    chance = random.Random(3)
    rows: list[dict[str, Any]] = []
    for number in range(240):
        kind, gap_days = ("fast", 8.0) if number % 2 else ("slow", 40.0)
        stops = number % 3 != 0
        start = chance.uniform(0, 100)
        end = chance.uniform(start, DAYS) if stops else DAYS
        rows += customer_orders(f"{kind}-{number}", start, end, gap_days, chance)
    rows += order("private", 390, {"tea": 1}, allows_personalization=False)
    return events_table([*rows, view("window-shopper", 390, "tea")])


def memoryless_store() -> pa.Table:
    """Everybody orders at random with the same rate: there is nothing to know about anybody."""
    chance = random.Random(5)
    orders = [
        order(f"customer-{chance.randrange(400)}", round(chance.uniform(0, DAYS), 3), {"tea": 1}) for _ in range(4000)
    ]
    return events_table([line for lines in orders for line in lines])


def training_data(events: pa.Table, parameters: ChurnParameters = PARAMETERS, as_of_day: float = DAYS) -> TrainingData:
    table = ibis.memtable(events)
    return TrainingData(table, ibis.memtable(c.CATALOGUE.empty_table()), day(as_of_day), parameters, threads=1)


@pytest.fixture(scope="module")
def store() -> pa.Table:
    return rhythmic_store()


@pytest.fixture(scope="module")
def judged(store: pa.Table) -> Backtest:
    return CHURN.backtest(training_data(store))


@pytest.fixture(scope="module")
def fitted(store: pa.Table) -> FittedFamily:
    return CHURN.fit(training_data(store))


@pytest.fixture(scope="module")
def rows(fitted: FittedFamily) -> dict[str, dict[str, Any]]:
    assert fitted.table is not None
    return {row[c.CUSTOMER_ID]: row for row in fitted.table.to_pylist()}


def test_the_model_clearly_beats_rfm_which_ignores_each_customers_own_rhythm(judged: Backtest) -> None:
    verdict = apply_gate(CHURN, judged)
    assert (verdict.finding, verdict.answers) == ("better", "model"), verdict.reason
    ours, baseline = judged.metrics["auc"], judged.baseline_metrics["auc"]
    assert ours is not None
    assert baseline is not None
    assert verdict.gain == pytest.approx(ours - baseline)


def test_the_backtest_has_its_details(judged: Backtest) -> None:
    horizon = timedelta(days=judged.details["horizon_days"])
    assert (judged.window_start, judged.window_end) == (day(DAYS) - horizon, day(DAYS))
    assert judged.metrics["cases"] == judged.cases
    assert set(judged.metrics) == set(judged.baseline_metrics)
    *_, last_training = judged.details["training_snapshots"]
    assert last_training == judged.details["calibration_snapshot"] == (judged.window_start - horizon).isoformat()


@pytest.mark.slow
def test_where_there_is_nothing_to_know_nothing_is_found() -> None:
    few = replace(PARAMETERS, snapshots=2, trees=30)
    metrics = CHURN.backtest(training_data(memoryless_store(), few)).metrics
    assert metrics["auc"] == pytest.approx(0.5, abs=0.09)


def test_what_comes_after_the_cut_does_not_change_the_fit(store: pa.Table) -> None:
    data = training_data(store, replace(PARAMETERS, snapshots=2, trees=30))
    history = CustomerHistory(data.events, data.people, data.as_of)
    cadence = history.cadence(data.parameters, "churn")
    cut = day(DAYS - cadence.horizon_days)
    with_future = fit_at(cut, history, cadence, data)
    without = fit_at(cut, CustomerHistory(data.events, data.people, cut), cadence, data)
    assert with_future.model.trees == without.model.trees
    assert with_future.model.calibration == without.model.calibration


def test_the_table_holds_who_ordered_and_consents(rows: dict[str, dict[str, Any]], fitted: FittedFamily) -> None:
    assert fitted.table is not None
    assert len(rows) == 240
    assert fitted.table.column_names == [
        "customer_id", "churn_risk", "churn_risk_low", "churn_risk_high", "churn_band", "churn_reason_1",
        "churn_reason_2", "churn_reason_3", "churn_horizon_days",
    ]  # fmt: skip
    assert set(fitted.columns) == set(fitted.table.column_names[1:])


def test_overdue_customers_rank_above_those_on_time(store: pa.Table, rows: dict[str, dict[str, Any]]) -> None:
    silence = silent_days(store)
    fast = {name: row for name, row in rows.items() if name.startswith("fast") and row["churn_risk"] is not None}
    overdue = [row["churn_risk"] for name, row in fast.items() if silence[name] > 16]
    on_time = [row["churn_risk"] for name, row in fast.items() if silence[name] < 8]
    assert min(overdue) > np.mean(on_time)
    slow_on_time = [row["churn_risk"] for name, row in rows.items() if "slow" in name and 16 < silence[name] < 32]
    assert np.mean(overdue) > np.mean(slow_on_time)


def test_who_just_ordered_is_never_high(store: pa.Table, rows: dict[str, dict[str, Any]]) -> None:
    silence = silent_days(store)
    assert {row["churn_band"] for name, row in rows.items() if silence[name] < 6} <= {"low", "medium"}
    assert {row["churn_band"] for row in rows.values()} == {"low", "medium", "high", "lapsed"}


def test_the_interval_contains_the_risk_and_predictions_have_outcomes(
    judged: Backtest, rows: dict[str, dict[str, Any]]
) -> None:
    scored = [row for row in rows.values() if row["churn_risk"] is not None]
    assert all(0 <= row["churn_risk_low"] < row["churn_risk"] < row["churn_risk_high"] <= 1 for row in scored)
    assert judged.predictions is not None
    assert judged.predictions.column_names == ["customer_id", "churn_risk", "churn_outcome", "orders"]
    assert judged.predictions.num_rows == judged.cases
    assert pc.mean(judged.predictions["churn_outcome"]).as_py() == judged.metrics["base_rate"]


def test_the_long_silent_are_lapsed_and_not_scored(store: pa.Table, rows: dict[str, dict[str, Any]]) -> None:
    silence = silent_days(store)
    for name, row in rows.items():
        is_lapsed = silence[name] >= 2 * row["churn_horizon_days"]
        assert (row["churn_band"] == "lapsed") == is_lapsed == (row["churn_risk"] is None)
        assert row["churn_reason_1"]


def test_a_high_risk_is_explained_by_what_raises_it(rows: dict[str, dict[str, Any]]) -> None:
    high = [row["churn_reason_1"] for row in rows.values() if row["churn_band"] == "high"]
    assert high
    assert not [reason for reason in high if reason.startswith("lowers")]


def test_the_stored_model_scores_the_same_table(store: pa.Table, fitted: FittedFamily, tmp_path: Path) -> None:
    fitted.write_files(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".txt", ".json"}
    rescored = rescore(training_data(store), tmp_path)
    assert rescored.table.equals(fitted.table)
    assert rescored.replays == fitted.replays


@pytest.mark.slow
def test_the_rfm_baseline_scores_and_explains_the_same_customers(
    store: pa.Table, fitted: FittedFamily, tmp_path: Path
) -> None:
    baseline = check_baseline(CHURN, training_data(store), fitted, tmp_path)
    assert baseline.table is not None
    scored = baseline.table.filter(baseline.table["churn_risk"].is_valid())
    assert len(scored["churn_risk"].unique()) > scored.num_rows / 2
    assert scored["churn_reason_1"].null_count == 0


def test_replays_ask_for_three_customers_of_the_table(fitted: FittedFamily, rows: dict[str, dict[str, Any]]) -> None:
    assert len(fitted.replays) == 3
    for replay in fitted.replays:
        assert replay.route == "customer"
        row = rows[replay.request[c.CUSTOMER_ID]]
        assert replay.expected == {"churn_risk": row["churn_risk"], "churn_band": row["churn_band"]}


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "at least 50 known customers with an order; there are 0"),
        ([view("ada", 1, "tea"), view("bob", 99, "tea")], "there are 0"),
        ([line for name in "abc" for at in (1, 30, 60) for line in order(name, at, {"tea": 1})], "there are 3"),
        ([line for n in range(60) for line in order(f"c-{n}", n, {"tea": 1})], "more than one day; there is none"),
        (
            [line for n in range(60) for at in (1, 9) for line in order(f"c-{n}", at + n / 10, {"tea": 1})],
            "needs 35 days of orders; there are 19",
        ),
        (
            [line for n in range(60) for at in (1, 250) for line in order(f"c-{n}", at + n / 10, {"tea": 1})],
            "before the test period, .* more than one day; there is none|of whom at least 10 came back within",
        ),
    ],
    ids=["no events", "no purchases", "three customers", "nobody came back", "a short history", "one outcome only"],
)
def test_the_error_for_too_little_data_names_what_is_needed(events: list[dict[str, Any]], words: str) -> None:
    table = events_table(events)
    last = pc.max(table[c.OCCURRED_AT]).as_py() if events else day(DAYS)
    as_of_day = min(DAYS, (last - day(0)) / timedelta(days=1) + (5 if events else 0))
    for step in (CHURN.backtest, CHURN.fit):
        with pytest.raises(NotEnoughData, match=words):
            step(training_data(table, as_of_day=as_of_day))


def test_a_horizon_longer_than_the_history_allows_is_refused(store: pa.Table) -> None:
    with pytest.raises(NotEnoughData, match=r"horizon of 300 days needs 1500 days .* there are"):
        CHURN.backtest(training_data(store, ChurnParameters(horizon_days=300)))


def silent_days(store: pa.Table) -> dict[str, float]:
    """Days from each customer's last order to the end."""
    bought = store.filter(pc.equal(store[c.EVENT], "Order Completed"))
    last = bought.group_by(c.CUSTOMER_ID).aggregate([(c.OCCURRED_AT, "max")]).to_pylist()
    return {row[c.CUSTOMER_ID]: (day(DAYS) - row["occurred_at_max"]) / timedelta(days=1) for row in last}
