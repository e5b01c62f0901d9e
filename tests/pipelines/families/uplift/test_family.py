"""The uplift family on stores with a campaign whose effect is known."""

from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.uplift.model import UpliftParameters
from pipelines.families.family import FittedFamily, TrainingData
from pipelines.families.uplift.family import UPLIFT_FAMILY, rescore
from pipelines.training.gate import apply_gate
from tests.pipelines.campaigns.worlds import END_DAY, START_DAY, store_with_campaign
from tests.pipelines.families.baselines import check_baseline
from tests.worlds import day

PARAMETERS = UpliftParameters(trees=40, learning_rate=0.08, folds=3, judging_folds=2)


def training_data(
    events: pa.Table, assigned: pa.Table, as_of_day: float = END_DAY, parameters: UpliftParameters = PARAMETERS
) -> TrainingData:
    return TrainingData(
        events=ibis.memtable(events),
        catalogue=ibis.memtable(c.CATALOGUE.empty_table()),
        campaigns=ibis.memtable(assigned),
        as_of=day(as_of_day),
        parameters=parameters,
        threads=1,
    )


@pytest.fixture(scope="module")
def store() -> tuple[pa.Table, pa.Table, dict[str, bool]]:
    return store_with_campaign(effect=0.3)


@pytest.fixture(scope="module")
def fitted(store: tuple[pa.Table, pa.Table, dict[str, bool]]) -> FittedFamily:
    return UPLIFT_FAMILY.fit(training_data(store[0], store[1]))


@pytest.fixture(scope="module")
def rows(fitted: FittedFamily) -> dict[str, dict[str, Any]]:
    assert fitted.table is not None
    return {row[c.CUSTOMER_ID]: row for row in fitted.table.to_pylist()}


def test_a_true_effect_passes_the_gate(store: tuple[pa.Table, pa.Table, dict[str, bool]]) -> None:
    judged = UPLIFT_FAMILY.backtest(training_data(store[0], store[1]))
    verdict = apply_gate(UPLIFT_FAMILY, judged)
    assert verdict.answers == "model", verdict.reason
    assert (judged.window_start, judged.window_end) == (day(START_DAY), day(START_DAY + 30))
    assert judged.cases == 3000
    assert judged.details["contacted"] + judged.details["held_out"] == 3000


def test_the_persuadable_get_a_higher_uplift_than_the_others(
    store: tuple[pa.Table, pa.Table, dict[str, bool]], rows: dict[str, dict[str, Any]]
) -> None:
    persuadable = store[2]
    moved = [rows[name]["uplift"] for name, is_so in persuadable.items() if is_so]
    unmoved = [rows[name]["uplift"] for name, is_so in persuadable.items() if not is_so]
    assert np.mean(moved) == pytest.approx(0.3, abs=0.07)
    assert np.mean(unmoved) == pytest.approx(0, abs=0.07)
    share = np.mean([rows[name]["uplift_band"] == "persuadable" for name, is_so in persuadable.items() if is_so])
    assert share > 0.9
    assert all(row["uplift_low"] <= row["uplift"] <= row["uplift_high"] for row in rows.values())


@pytest.mark.slow
def test_without_an_effect_nothing_is_published() -> None:
    events, assigned, _ = store_with_campaign(effect=0.0)
    data = training_data(events, assigned)
    judged = UPLIFT_FAMILY.backtest(data)
    assert apply_gate(UPLIFT_FAMILY, judged).answers == "baseline"
    assert "response" in judged.details["chosen"]
    with pytest.raises(NotEnoughData, match="no learner beats"):
        UPLIFT_FAMILY.fit(data)


@pytest.mark.slow
def test_shuffled_arms_do_not_pass(store: tuple[pa.Table, pa.Table, dict[str, bool]]) -> None:
    events, assigned, _ = store
    arms = np.random.default_rng(4).permutation(assigned["arm"].to_pylist())
    shuffled = assigned.set_column(2, c.ASSIGNMENTS.field("arm"), pa.array(arms, pa.string()))
    judged = UPLIFT_FAMILY.backtest(training_data(events, shuffled))
    assert apply_gate(UPLIFT_FAMILY, judged).answers == "baseline"


def test_customers_who_refused_personalization_are_not_scored(
    store: tuple[pa.Table, pa.Table, dict[str, bool]], rows: dict[str, dict[str, Any]]
) -> None:
    assert "private" in store[1][c.CUSTOMER_ID].to_pylist()
    assert "private" not in rows


def test_without_a_campaign_the_error_names_the_command(
    store: tuple[pa.Table, pa.Table, dict[str, bool]],
) -> None:
    with pytest.raises(NotEnoughData, match="shopkeeper holdout"):
        UPLIFT_FAMILY.backtest(training_data(store[0], c.ASSIGNMENTS.empty_table()))


def test_before_the_outcome_is_known_the_error_names_the_date(
    store: tuple[pa.Table, pa.Table, dict[str, bool]],
) -> None:
    with pytest.raises(NotEnoughData, match=f"{day(START_DAY + 30):%Y-%m-%d}"):
        UPLIFT_FAMILY.backtest(training_data(store[0], store[1], as_of_day=START_DAY + 29))


def test_too_few_orders_are_named() -> None:
    events, assigned, _ = store_with_campaign(effect=0.0, customers=60)
    with pytest.raises(NotEnoughData, match=r"of \d+ held-out ones"):
        UPLIFT_FAMILY.backtest(training_data(events, assigned))


def test_a_stored_model_scores_the_customers_as_of_now(
    store: tuple[pa.Table, pa.Table, dict[str, bool]], fitted: FittedFamily, tmp_path: Path
) -> None:
    fitted.write_files(tmp_path)
    again = rescore(training_data(store[0], store[1]), tmp_path)
    assert again.table.equals(fitted.table)
    assert again.replays == fitted.replays


def test_the_response_model_fills_the_same_columns(
    store: tuple[pa.Table, pa.Table, dict[str, bool]], fitted: FittedFamily, tmp_path: Path
) -> None:
    events, campaigns, _ = store
    check_baseline(UPLIFT_FAMILY, training_data(events, campaigns), fitted, tmp_path)


def test_columns_and_replays(fitted: FittedFamily, rows: dict[str, dict[str, Any]]) -> None:
    assert fitted.table is not None
    assert set(fitted.columns) == set(fitted.table.column_names[1:])
    for replay in fitted.replays:
        row = rows[replay.request[c.CUSTOMER_ID]]
        assert replay.expected == {name: row[name] for name in ("uplift", "uplift_band")}
