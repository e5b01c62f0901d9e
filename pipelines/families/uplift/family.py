"""The uplift family: the effect of contacting each customer, learned from holdouts, against a response model."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.protocol import FitContext
from models.uplift.bands import LEAVE_ALONE, LOST_CAUSE, PERSUADABLE, SURE_THING, uplift_bands
from models.uplift.evaluation import OURS, evaluate
from models.uplift.meta_learners import RESPONSE_MODEL
from models.uplift.model import UpliftModel, UpliftParameters
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Rescored, TrainingData
from pipelines.families.snapshots import Snapshot
from pipelines.families.uplift.experiment_data import PooledExperiment, pooled_experiment

UPLIFT: Final = "uplift"
LOW: Final = "uplift_low"
HIGH: Final = "uplift_high"
BAND: Final = c.UPLIFT_BAND
MAX_P_VALUE: Final = 0.1  # of ranking no better than the response model, or than chance
DECIMALS: Final = 4
REPLAYS: Final = 3


def backtest(data: TrainingData) -> Backtest:
    """Nested cross-fitting: the method is chosen and fitted on all other folds before it scores a fold of customers."""
    parameters: UpliftParameters = data.parameters
    data.progress("uplift: campaigns")
    experiment = pooled_experiment(data)
    data.progress("uplift: evaluate")
    evaluation = evaluate(experiment.data, parameters, FitContext(data.seed, data.threads))
    cases = len(experiment.data.outcome)
    return Backtest(
        window_start=experiment.start,
        window_end=experiment.end,
        cases=cases,
        metrics=evaluation.metrics(OURS) | evaluation.significance(data.seed) | {"cases": float(cases)},
        baseline_metrics=evaluation.metrics(RESPONSE_MODEL),
        paired=evaluation.paired,
        baseline_name="the response model",
        details=experiment.facts
        | {
            "chosen": [choice.method for choice in evaluation.choices],
            "why": [choice.reason for choice in evaluation.choices],
        },
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit to every campaign, and score every customer with an order who allows personalization."""
    experiment = pooled_experiment(data)
    data.progress("uplift: train")
    model = UpliftModel.fit(experiment.data, data.parameters, FitContext(data.seed, data.threads))
    if model.choice.method == RESPONSE_MODEL:
        raise NotEnoughData(f"{model.choice.reason} Hold out more customers, in more campaigns.")
    return _family_of(model, experiment, data)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same by the response model: the effect is linear in how likely a customer is to order when contacted."""
    experiment = pooled_experiment(data)
    data.progress("uplift: train")
    model = UpliftModel.fit_baseline(experiment.data, data.parameters, FitContext(data.seed, data.threads))
    return _family_of(model, experiment, data)


def _family_of(model: UpliftModel, experiment: PooledExperiment, data: TrainingData) -> FittedFamily:
    data.progress("uplift: score")
    table = _scored(data.history.snapshot(data.as_of), model, data.threads)

    def write_files(folder: Path) -> None:
        model.write(folder, experiment.facts | {"why": model.choice.reason})

    described = _described(data.parameters.outcome_days, experiment.facts)
    return FittedFamily(write_files, table, described, _replays(table))


def rescore(data: TrainingData, folder: Path) -> Rescored:
    """Score all customers as of now by a stored model."""
    table = _scored(data.history.snapshot(data.as_of), UpliftModel.read(folder), data.threads)
    return Rescored(table, _replays(table))


def _scored(customers: Snapshot, model: UpliftModel, threads: int) -> pa.Table:
    """The family's columns, one row per customer."""
    predicted = model.predict(customers.features, threads)
    uplift, low, high = (np.round(values, DECIMALS) for values in (predicted.uplift, predicted.low, predicted.high))
    bands = uplift_bands(low, high, predicted.baseline_rate, model.control_rate)
    return pa.table(
        {
            c.CUSTOMER_ID: customers.customer_ids,
            UPLIFT: uplift,
            LOW: low,
            HIGH: high,
            BAND: pa.array(bands, pa.string()),
        }
    )


def _described(outcome_days: int, facts: dict[str, Any]) -> dict[str, str]:
    campaigns = "1 campaign" if facts["campaigns"] == 1 else f"{facts['campaigns']} campaigns"
    source = f"{campaigns} with {facts['held_out']:,} customers left alone for comparison"
    return {
        UPLIFT: f"How much contacting the customer changes the probability of an order within {outcome_days} days: "
        f"0.03 means 3 more orders for 100 such customers contacted. Measured in {source}.",
        LOW: "The uplift is above this in 9 of 10 cases, for customers like this one on average.",
        HIGH: "The uplift is below this in 9 of 10 cases, for customers like this one on average.",
        BAND: f"{PERSUADABLE}: contacting helps for sure (the whole range is above 0); {LEAVE_ALONE}: it puts off; "
        f"{SURE_THING}: likely to order anyway; {LOST_CAUSE}: unlikely to, contacted or not.",
    }


def _replays(table: pa.Table) -> list[Replay]:
    """Requests for the customers of lowest, middle and highest uplift, replayed before the bundle is served."""
    scored = table.sort_by([(UPLIFT, "ascending"), (c.CUSTOMER_ID, "ascending")])
    rows = sorted({0, scored.num_rows // 2, scored.num_rows - 1})[:REPLAYS] if scored.num_rows else []
    return [
        Replay(
            route="customer",
            request={c.CUSTOMER_ID: row[c.CUSTOMER_ID]},
            expected={UPLIFT: row[UPLIFT], BAND: row[BAND]},
        )
        for row in scored.take(rows).to_pylist()
    ]


UPLIFT_FAMILY: Final = Family(
    name="uplift",
    kind="customers",
    baseline="response-only: who orders when contacted, the likeliest first",
    gate=Gate("qini", higher_is_better=True, label="Qini", unit="customers", at_most={"chance_no_better": MAX_P_VALUE}),
    parameters=UpliftParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    shown_metrics=("qini", "uplift_at_30", "qini_low", "qini_high", "chance_no_better"),
    rescore=rescore,
)
