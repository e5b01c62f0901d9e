"""The next_order family, whole, on stores whose customers' gaps between orders are known."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.next_purchase.model import NextOrderParameters
from pipelines.families.family import Backtest, FittedFamily, TrainingData
from pipelines.families.next_purchase.family import NEXT_ORDER, fit_at, rescore
from pipelines.families.next_purchase.published_columns import HAZARDS, KNOWN_BEFORE
from pipelines.families.snapshots import CustomerHistory
from pipelines.training.gate import apply_gate
from tests.pipelines.families.baselines import check_baseline
from tests.worlds import day, events_table, order, view

DAYS = 400
HORIZON = DAYS // 4
COLUMNS = ["next_order_expected", "next_order_from", "next_order_to", "next_order_probability_30d"]
Row = dict[str, Any]


def habit(name: str, start: float, end: float, gap_days: float, chance: random.Random) -> list[Row]:
    at, rows = start, []
    while at < end:
        rows += order(name, round(at, 3), {"tea": 1})
        at += gap_days * chance.uniform(0.9, 1.1)
    return rows


def store_rows() -> list[Row]:
    """Fast customers buy every 15 days, slow ones every 45; half of them stop one day."""
    chance = random.Random(3)
    rows: list[Row] = []
    for number in range(200):
        kind, gap_days = ("fast", 15.0) if number % 2 else ("slow", 45.0)
        start = chance.uniform(0, 100)
        end = chance.uniform(start, DAYS) if number % 4 < 2 else DAYS
        rows += habit(f"{kind}-{number}", start, end, gap_days, chance)
    regular = [line for at in range(30, 400, 30) for line in order("regular", at, {"tea": 1})]
    return [
        *rows,
        *regular,
        *order("private", 390, {"tea": 1}, allows_personalization=False),
        view("guest", 390, "tea"),
    ]


def training_data(rows: list[Row], as_of_day: float = DAYS) -> TrainingData:
    events, catalogue = ibis.memtable(events_table(rows)), ibis.memtable(c.CATALOGUE.empty_table())
    return TrainingData(events, catalogue, day(as_of_day), NextOrderParameters(trees=40), threads=1)


def rows_of(fitted: FittedFamily) -> dict[str, Row]:
    assert fitted.table is not None
    return {row[c.CUSTOMER_ID]: row for row in fitted.table.to_pylist()}


@pytest.fixture(scope="module")
def store() -> list[Row]:
    return store_rows()


@pytest.fixture(scope="module")
def judged(store: list[Row]) -> Backtest:
    return NEXT_ORDER.backtest(training_data(store))


@pytest.fixture(scope="module")
def fitted(store: list[Row]) -> FittedFamily:
    return NEXT_ORDER.fit(training_data(store))


@pytest.fixture(scope="module")
def rows(fitted: FittedFamily) -> dict[str, Row]:
    return rows_of(fitted)


def test_it_beats_the_renewal_baseline_and_passes(judged: Backtest) -> None:
    verdict = apply_gate(NEXT_ORDER, judged)
    assert verdict.answers == "model", verdict.reason
    assert set(judged.metrics) == set(judged.baseline_metrics)
    assert judged.metrics["coverage_80"] == pytest.approx(0.8, abs=0.12)  # of about 100 orders


def test_the_backtest_has_its_details(judged: Backtest) -> None:
    horizon = timedelta(days=judged.details["horizon_days"])
    assert judged.details["horizon_days"] == HORIZON - 1  # a quarter of the days since the first order
    assert (judged.window_start, judged.window_end) == (day(DAYS) - horizon, day(DAYS))
    assert judged.details["calibration_snapshot"] == (judged.window_start - horizon).isoformat()
    assert max(judged.details["training_snapshots"]) < judged.details["calibration_snapshot"]
    assert judged.predictions is not None
    assert judged.predictions.num_rows == judged.cases
    assert set(judged.predictions["next_order_outcome_30d"].to_pylist()) == {0, 1}


def test_every_30_days_and_last_10_days_ago_is_expected_in_20(rows: dict[str, Row]) -> None:
    regular, due = rows["regular"], day(420).date()  # the last order was on day 390, and it is day 400
    assert abs(regular["next_order_expected"] - due) <= timedelta(days=4)
    assert regular["next_order_from"] <= due <= regular["next_order_to"]


def test_no_date_lies_in_the_past(rows: dict[str, Row]) -> None:
    told = [row for row in rows.values() if row["next_order_expected"] is not None]
    assert told
    for row in told:
        assert day(DAYS).date() <= row["next_order_from"] <= row["next_order_expected"] <= row["next_order_to"]
        assert row["next_order_to"] <= day(DAYS + HORIZON).date()


def test_a_customer_who_left_gets_no_date(rows: dict[str, Row], store: list[Row]) -> None:
    last = {row[c.CUSTOMER_ID]: row[c.OCCURRED_AT] for row in store}
    left = [row for name, row in rows.items() if "fast" in name and last[name] < day(DAYS - 120)]
    assert left
    assert {row[name] for row in left for name in COLUMNS[:3]} == {None}
    assert max(row["next_order_probability_30d"] for row in left) < 0.2


def test_the_time_since_the_last_order_counts(
    store: list[Row], fitted: FittedFamily, rows: dict[str, Row], tmp_path: Path
) -> None:
    """Seven weeks later, still without an order, the same customer is expected later and is less likely to order."""
    fitted.write_files(tmp_path)
    table = rescore(training_data(store, DAYS + 50), tmp_path).table
    overdue = {row[c.CUSTOMER_ID]: row for row in table.to_pylist()}["regular"]
    assert overdue["next_order_probability_30d"] < rows["regular"]["next_order_probability_30d"] - 0.1
    assert overdue["next_order_from"] is None or overdue["next_order_from"] >= day(DAYS + 50).date()


def test_the_renewal_baseline_dates_the_same_customers(store: list[Row], fitted: FittedFamily, tmp_path: Path) -> None:
    check_baseline(NEXT_ORDER, training_data(store), fitted, tmp_path)


def test_what_comes_after_the_cut_does_not_change_the_fit(store: list[Row]) -> None:
    data = training_data(store)
    cut = day(DAYS - HORIZON)
    with_future = fit_at(cut, data.history, 70, data)
    without = fit_at(cut, CustomerHistory(data.events, data.people, cut), 70, data)
    assert with_future.model.trees == without.model.trees
    assert with_future.model.calibration == without.model.calibration


def test_the_table_holds_who_ordered_and_consents(rows: dict[str, Row], fitted: FittedFamily) -> None:
    assert fitted.table is not None
    assert fitted.table.column_names == [c.CUSTOMER_ID, *COLUMNS, HAZARDS, KNOWN_BEFORE]
    assert set(fitted.columns) == set(COLUMNS)
    assert [fitted.table.schema.field(name).type for name in COLUMNS[:3]] == [pa.date32()] * 3
    assert {"private", "guest"}.isdisjoint(rows)
    assert len(rows) == 201


def test_a_stored_model_scores_the_customers_as_of_now(store: list[Row], fitted: FittedFamily, tmp_path: Path) -> None:
    fitted.write_files(tmp_path)
    again = rescore(training_data(store), tmp_path)
    assert again.table.equals(fitted.table)
    assert again.replays == fitted.replays


def test_replays_ask_for_three_customers_of_the_table(fitted: FittedFamily, rows: dict[str, Row]) -> None:
    assert len(fitted.replays) == 3
    for replay in fitted.replays:
        assert replay.expected.items() <= rows[replay.request[c.CUSTOMER_ID]].items()


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "needs 120 days of orders; there are 0"),
        (order("ada", 350, {"tea": 1}), "needs 120 days of orders; there are 50"),
        ([line for n in range(9) for line in order(f"c-{n}", n, {"tea": 1})], "there were 9, and 0 did"),
        (
            [line for n in range(60) for at in (1, 9) for line in order(f"c-{n}", at + n / 10, {"tea": 1})],
            "of whom 20 order again within 99 days; on .* there were 60, and 0 did",
        ),
    ],
    ids=["no events", "a short history", "nine customers", "nobody came back"],
)
def test_the_error_for_too_little_data_names_what_is_needed(events: list[Row], words: str) -> None:
    with pytest.raises(NotEnoughData, match=words):
        NEXT_ORDER.backtest(training_data(events))
