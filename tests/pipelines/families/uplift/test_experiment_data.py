"""Experiments pooled from campaigns in which who was contacted and who ordered is known."""

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.uplift.model import UpliftParameters
from pipelines.families.family import TrainingData
from pipelines.families.uplift.experiment_data import pooled_experiment
from tests.pipelines.campaigns.worlds import END_DAY, START_DAY, assignments
from tests.worlds import day, events_table, order


def training_data(rows: list[dict[str, Any]], assigned: pa.Table, **parameters: Any) -> TrainingData:
    return TrainingData(
        events=ibis.memtable(events_table(rows)),
        catalogue=ibis.memtable(c.CATALOGUE.empty_table()),
        campaigns=ibis.memtable(assigned),
        as_of=day(END_DAY),
        parameters=UpliftParameters(**parameters),
        threads=1,
    )


def test_features_are_those_of_the_assignment_and_outcomes_come_after() -> None:
    """An order before the start is a feature and no outcome; one after is an outcome and no feature."""
    names = [f"c{number:03}" for number in range(200)]
    history = [line for name in names for line in order(name, 100, {"tea": 1})]
    arms = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate(names)}
    came = set(names[:80])
    events = [*history, *(line for name in came for line in order(name, START_DAY, {"tea": 1}))]
    late = [line for name in names for line in order(name, START_DAY + 30, {"tea": 1})]
    data = training_data([*events, *late], assignments(arms, day(START_DAY)))
    experiment = pooled_experiment(data).data
    assert experiment.outcome.sum() == 80
    assert (experiment.features[:, 0] == START_DAY - 100).all()  # recency_days, in spite of the orders since
    assert (experiment.treated.sum(), len(experiment.customers)) == (100, 200)


def test_a_customer_of_two_campaigns_is_in_one_fold_and_seasons_are_balanced() -> None:
    """In winter nearly all were contacted and all ordered: an effect of the season, not of contacting."""
    names = [f"c{number:03}" for number in range(400)]
    rows = [line for name in names for line in order(name, 50, {"tea": 1})]
    rows += [line for name in names for line in order(name, 101, {"tea": 1})]
    rows += [line for number, name in enumerate(names) if number % 8 < 2 for line in order(name, 161, {"tea": 1})]
    winter = {name: "holdout" if number % 8 == 1 else "contacted" for number, name in enumerate(names)}
    summer = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate(names)}
    both = pa.concat_tables([assignments(winter, day(100), "winter"), assignments(summer, day(160), "summer")])
    data = training_data(rows, both)
    experiment = pooled_experiment(data).data
    arms = [experiment.subset(experiment.treated == arm) for arm in (0, 1)]
    rates = [np.average(arm.outcome, weights=arm.weight) for arm in arms]
    assert rates[0] == pytest.approx(rates[1])
    assert arms[1].outcome.mean() - arms[0].outcome.mean() > 0.1  # the control: without weights
    folds = experiment.folds(3, seed=1)
    for customer in range(400):
        assert len(set(folds[experiment.customers == customer])) == 1


def test_customers_who_never_ordered_or_refused_personalization_are_left_out() -> None:
    names = [f"c{number:02}" for number in range(40)]
    rows = [line for name in names for line in order(name, 100, {"tea": 1})]
    rows += [line for name in names for line in order(name, START_DAY + 1, {"tea": 1})]
    rows += order("private", 100, {"tea": 1}, allows_personalization=False)
    arms = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate([*names, "private", "new"])}
    data = training_data(rows, assignments(arms, day(START_DAY)), min_per_arm=20)
    assert pooled_experiment(data).facts == {
        "contacted": 20,
        "held_out": 20,
        "contacted_ordered": 20,
        "held_out_ordered": 20,
        "campaigns": 1,
        "outcome_days": 30,
    }
    sampled = training_data(rows, assignments(arms, day(START_DAY)), min_per_arm=20, max_training_rows=30)
    assert len(pooled_experiment(sampled).data.outcome) == 30


def test_a_campaign_without_a_control_arm_is_no_experiment() -> None:
    rows = [line for number in range(60) for line in order(f"c{number}", 100, {"tea": 1})]
    arms = {f"c{number}": "contacted" for number in range(60)}
    with pytest.raises(NotEnoughData, match="0 of 0 held-out ones did"):
        pooled_experiment(training_data(rows, assignments(arms, day(START_DAY))))


def trial_of(refusals: list[str], lost: list[str], names: list[str]) -> TrainingData:
    """Of two arms of 100, who refuses personalization after the start, and who is missing from the assignment."""
    rows = [line for name in names for line in order(name, 100, {"tea": 1})]
    rows += [line for name in names for line in order(name, START_DAY + 1, {"tea": 1})]
    refusal = {c.CONSENT_PERSONALIZATION: False, c.OCCURRED_AT: day(START_DAY + 2)}
    rows += [refusal | {c.CUSTOMER_ID: name} for name in refusals]
    arms = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate(names)}
    kept = {name: arm for name, arm in arms.items() if name not in lost}
    return training_data(rows, assignments(kept, day(START_DAY), holdout_share=0.5), min_per_arm=20)


def test_who_refused_after_being_contacted_stays_in_the_experiment() -> None:
    names = [f"c{number:03}" for number in range(200)]
    facts = pooled_experiment(trial_of(names[1::2][:50], [], names)).facts
    assert (facts["contacted"], facts["held_out"]) == (100, 100)


def test_a_campaign_that_lost_customers_of_one_arm_is_left_out_with_a_sentence() -> None:
    names = [f"c{number:03}" for number in range(200)]
    assert "left_out" not in pooled_experiment(trial_of([], names[1::2][:10], names)).facts  # chance explains it
    with pytest.raises(NotEnoughData, match=r"Campaign 'spring' is left out: a holdout of 50% was drawn.*50 are con"):
        pooled_experiment(trial_of([], names[1::2][:50], names))


def test_the_other_campaigns_are_used() -> None:
    names = [f"c{number:03}" for number in range(200)]
    data = trial_of([], names[1::2][:50], names)
    arms = {name: "contacted" if number % 2 else "holdout" for number, name in enumerate(names)}
    both = pa.concat_tables([data.campaigns.to_pyarrow(), assignments(arms, day(START_DAY), "summer")])
    facts = pooled_experiment(replace(data, campaigns=ibis.memtable(both))).facts
    assert (facts["campaigns"], facts["contacted"], len(facts["left_out"])) == (1, 100, 1)
