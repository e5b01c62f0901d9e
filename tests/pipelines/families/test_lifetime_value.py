"""The value family on stores of customers with known behaviour."""

import random
from typing import Any

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from contracts.events.names import ORDER_CANCELLED
from models.lifetime_value.cases import ValueParameters
from pipelines.families.family import Backtest, FittedFamily, TrainingData
from pipelines.families.lifetime_value import VALUE, predict, rescore
from pipelines.training.gate import apply_gate
from tests.pipelines.families.baselines import check_baseline
from tests.worlds import day, events_table, order

DAYS = 300
PARAMETERS = ValueParameters(test_days=60, snapshots=3, trees=40, min_rows_per_leaf=20)


def store() -> pa.Table:
    """Regulars order every ten days for 20 each; visitors ordered once or twice, for 5, and rarely come again."""
    chance = random.Random(4)
    rows: list[dict[str, Any]] = []
    for number in range(200):
        is_regular = number % 4 == 0
        at = chance.uniform(0, 200)
        while at < DAYS:
            name = f"{'regular' if is_regular else 'visitor'}-{number}"
            rows += order(name, round(at, 3), {"tea": 1}, price=20.0 if is_regular else 5.0)
            at += chance.expovariate(1 / (10.0 if is_regular else 200.0))
    return events_table(rows)


def training_data(events: pa.Table, as_of_day: float = DAYS, parameters: ValueParameters = PARAMETERS) -> TrainingData:
    catalogue = ibis.memtable(c.CATALOGUE.empty_table())
    return TrainingData(ibis.memtable(events), catalogue, day(as_of_day), parameters, threads=1)


@pytest.fixture(scope="module")
def events() -> pa.Table:
    return store()


@pytest.fixture(scope="module")
def judged(events: pa.Table) -> Backtest:
    return VALUE.backtest(training_data(events))


@pytest.fixture(scope="module")
def fitted(events: pa.Table) -> FittedFamily:
    return VALUE.fit(training_data(events))


@pytest.fixture(scope="module")
def rows(fitted: FittedFamily) -> list[dict[str, Any]]:
    assert fitted.table is not None
    return fitted.table.to_pylist()


def test_it_ranks_better_than_the_past_rate(judged: Backtest) -> None:
    verdict = apply_gate(VALUE, judged)
    assert verdict.gain is not None
    assert verdict.gain > 0
    assert verdict.finding in ("better", "unclear"), verdict.reason


def test_the_interval_covers_at_its_nominal_rate_or_more(judged: Backtest) -> None:
    assert judged.details["interval_coverage"] >= 0.75


def test_predictions_have_outcomes(judged: Backtest) -> None:
    assert judged.predictions is not None
    assert judged.predictions.column_names[0] == c.CUSTOMER_ID
    assert judged.predictions.num_rows == judged.cases


def test_regulars_are_worth_what_they_spend(rows: list[dict[str, Any]]) -> None:
    regulars = [row["expected_value_90d"] for row in rows if row[c.CUSTOMER_ID].startswith("regular")]
    assert sum(regulars) / len(regulars) == pytest.approx(180, rel=0.3)  # 90 days, every ten, 20 each


def test_longer_horizons_and_interval_ends_are_in_order(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        values = [row[f"expected_value_{days}d"] for days in (30, 90, 365)]
        assert values[0] <= values[1] <= values[2]
        for days in (30, 90, 365):
            name = f"expected_value_{days}d"
            assert 0 <= row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]


def test_every_column_is_described(fitted: FittedFamily) -> None:
    assert fitted.table is not None
    assert set(fitted.columns) == set(fitted.table.column_names[1:])


@pytest.mark.slow
def test_what_comes_after_the_cut_off_changes_nothing(events: pa.Table) -> None:
    past = events.filter(ibis.memtable(events).occurred_at.to_pyarrow().to_numpy() < day(200).replace(tzinfo=None))
    with_future, without = (predict(training_data(rows, 200), (60,))[1][60] for rows in (events, past))
    assert with_future.spend.tolist() == without.spend.tolist()


@pytest.mark.slow
def test_cancelled_orders_are_worth_nothing(events: pa.Table) -> None:
    extra = order("visitor-1", 299.5, {"tea": 1}, price=10_000.0)
    cancel = {c.EVENT: ORDER_CANCELLED, c.OCCURRED_AT: day(299.6), c.CUSTOMER_ID: "visitor-1"}
    cancelled = events_table([*extra, {**cancel, c.ORDER_ID: "order-visitor-1-299.5"}])
    data = [training_data(events), training_data(pa.concat_tables([events, cancelled]))]
    first, second = (predict(each, (90,))[1][90].spend.tolist() for each in data)
    assert first == second


def test_the_stored_model_predicts_the_same_table(events: pa.Table, fitted: FittedFamily, tmp_path: Any) -> None:
    fitted.write_files(tmp_path)
    rescored = rescore(training_data(events), tmp_path)
    assert rescored.table.equals(fitted.table)
    assert rescored.replays == fitted.replays


def test_the_mean_rate_fills_the_same_columns(events: pa.Table, fitted: FittedFamily, tmp_path: Any) -> None:
    baseline = check_baseline(VALUE, training_data(events), fitted, tmp_path)
    assert baseline.table is not None
    by_id = {row[c.CUSTOMER_ID]: row for row in baseline.table.to_pylist()}
    regulars = [row["expected_value_90d"] for name, row in by_id.items() if name.startswith("regular")]
    assert sum(regulars) / len(regulars) == pytest.approx(180, rel=0.3)  # 90 days, every ten, 20 each
    for row in by_id.values():
        assert row["expected_value_90d_low"] <= row["expected_value_90d"] <= row["expected_value_90d_high"]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "value needs 56 days of orders; there are 0"),
        (order("ada", 290, {"tea": 1}), "there are 10"),
        (order("ada", 1, {"tea": 1}), "value needs 50 customers at .* there are 1, of whom 0 did"),
    ],
    ids=["no orders", "a short history", "one customer"],
)
def test_the_error_for_too_little_data_names_what_is_needed(events: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(NotEnoughData, match=words):
        VALUE.fit(training_data(events_table(events)))
