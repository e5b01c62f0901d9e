"""The uplift family, whole, on stores with a campaign whose effect is known."""

from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.uplift.model import UpliftModel, UpliftParameters
from pipelines.families.family import FittedFamily, TrainingData
from pipelines.families.uplift.experiment_data import uplift_trial
from pipelines.families.uplift.family import UPLIFT_FAMILY
from pipelines.training.gate import apply_gate
from tests.pipelines.campaigns.worlds import END_DAY, START_DAY, assignments, store_with_campaign
from tests.worlds import day, events_table, order

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
    assert verdict.passed, verdict.reason
    assert (judged.window_start, judged.window_end) == (day(START_DAY), day(START_DAY + 30))
    assert judged.cases == 3000
    assert judged.details["contacted"] + judged.details["held_out"] == 3000


def test_the_persuadable_are_told_from_the_others(
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


def test_where_contacting_changes_nobody_no_list_is_made() -> None:
    events, assigned, _ = store_with_campaign(effect=0.0)
    data = training_data(events, assigned)
    judged = UPLIFT_FAMILY.backtest(data)
    assert not apply_gate(UPLIFT_FAMILY, judged).passed
    assert "response" in judged.details["chosen"]
    with pytest.raises(NotEnoughData, match="no learner beats"):
        UPLIFT_FAMILY.fit(data)


def test_shuffled_arms_make_no_list(store: tuple[pa.Table, pa.Table, dict[str, bool]]) -> None:
    events, assigned, _ = store
    arms = np.random.default_rng(4).permutation(assigned["arm"].to_pylist())
    shuffled = assigned.set_column(2, c.CAMPAIGNS.field("arm"), pa.array(arms, pa.string()))
    assert not apply_gate(UPLIFT_FAMILY, UPLIFT_FAMILY.backtest(training_data(events, shuffled))).passed


def test_who_refused_personalization_is_not_learned_from_and_not_scored(
    store: tuple[pa.Table, pa.Table, dict[str, bool]], rows: dict[str, dict[str, Any]]
) -> None:
    assert "private" in store[1][c.CUSTOMER_ID].to_pylist()
    assert "private" not in rows


def test_without_a_campaign_it_says_how_to_draw_one(store: tuple[pa.Table, pa.Table, dict[str, bool]]) -> None:
    with pytest.raises(NotEnoughData, match="shopkeeper holdout"):
        UPLIFT_FAMILY.backtest(training_data(store[0], c.CAMPAIGNS.empty_table()))


def test_before_the_outcome_is_known_it_says_when(store: tuple[pa.Table, pa.Table, dict[str, bool]]) -> None:
    with pytest.raises(NotEnoughData, match=f"{day(START_DAY + 30):%Y-%m-%d}"):
        UPLIFT_FAMILY.backtest(training_data(store[0], store[1], as_of_day=START_DAY + 29))


def test_too_few_orders_are_named() -> None:
    events, assigned, _ = store_with_campaign(effect=0.0, customers=60)
    with pytest.raises(NotEnoughData, match=r"of \d+ held-out ones"):
        UPLIFT_FAMILY.backtest(training_data(events, assigned))


def test_features_are_those_of_the_assignment_and_outcomes_come_after() -> None:
    """An order before the start is a feature and no outcome; one after is an outcome and no feature."""
    names = [f"c{number:03}" for number in range(200)]
    history = [line for name in names for line in order(name, 100, {"tea": 1})]
    arms = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate(names)}
    came = set(names[:80])
    events = [*history, *(line for name in came for line in order(name, START_DAY, {"tea": 1}))]
    late = [line for name in names for line in order(name, START_DAY + 30, {"tea": 1})]
    data = training_data(events_table([*events, *late]), assignments(arms, day(START_DAY)))
    known = uplift_trial(data)
    assert known.trial.outcome.sum() == 80
    assert (known.trial.features[:, 0] == START_DAY - 100).all()  # recency_days, in spite of the orders since
    assert (known.trial.treated.sum(), len(known.customers)) == (100, 200)


def test_a_customer_of_two_campaigns_is_in_one_fold_and_seasons_are_balanced() -> None:
    """In winter nearly all were contacted and all ordered; that is the season, not the effect."""
    names = [f"c{number:03}" for number in range(400)]
    rows = [line for name in names for line in order(name, 50, {"tea": 1})]
    rows += [line for name in names for line in order(name, 101, {"tea": 1})]
    rows += [line for number, name in enumerate(names) if number % 8 < 2 for line in order(name, 161, {"tea": 1})]
    winter = {name: "holdout" if number % 8 == 1 else "contacted" for number, name in enumerate(names)}
    summer = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate(names)}
    both = pa.concat_tables([assignments(winter, day(100), "winter"), assignments(summer, day(160), "summer")])
    data = training_data(events_table(rows), both)
    known = uplift_trial(data)
    trial = known.trial
    rates = [
        np.average(trial.outcome[trial.treated == arm], weights=trial.weight[trial.treated == arm]) for arm in (0, 1)
    ]
    assert rates[0] == pytest.approx(rates[1])
    unweighted = trial.outcome[trial.treated == 1].mean() - trial.outcome[trial.treated == 0].mean()
    assert unweighted > 0.1
    folds = known.folds(3, seed=1)
    for customer in range(400):
        assert len(set(folds[known.customers == customer])) == 1


def test_files_columns_and_replays(fitted: FittedFamily, rows: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    fitted.write_files(tmp_path)
    assert UpliftModel.read(tmp_path).folds
    assert fitted.table is not None
    assert set(fitted.columns) == set(fitted.table.column_names[1:])
    for replay in fitted.replays:
        row = rows[replay.request[c.CUSTOMER_ID]]
        assert replay.expected == {name: row[name] for name in ("uplift", "uplift_band")}
