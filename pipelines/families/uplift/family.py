"""The uplift family: whom contacting changes, where a random holdout was drawn, against who will order anyway."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.customers.features import FEATURES
from models.uplift.bands import LEAVE_ALONE, LOST_CAUSE, PERSUADABLE, SURE_THING, uplift_bands
from models.uplift.evaluation import OURS, judged
from models.uplift.meta_learners import RESPONSE
from models.uplift.model import UpliftModel, UpliftParameters
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, TrainingData
from pipelines.families.snapshots import Snapshot
from pipelines.families.uplift.experiment_data import uplift_trial

UPLIFT: Final = "uplift"
LOW: Final = "uplift_low"
HIGH: Final = "uplift_high"
BAND: Final = c.UPLIFT_BAND
MOST_CHANCE: Final = 0.1  # that ours ranks no better than response-only, or than chance
DECIMALS: Final = 4
REPLAYS: Final = 3


def backtest(data: TrainingData) -> Backtest:
    """Cross-fit twice: each part of the customers is scored by a learner that was chosen and grown on the others."""
    parameters: UpliftParameters = data.parameters
    data.progress("uplift: campaigns")
    known = uplift_trial(data)
    data.progress("uplift: judge")
    parts, folds = known.folds(parameters.judging_folds, data.seed), known.folds(parameters.folds, data.seed + 1)
    judgement = judged(known.trial, parts, folds, parameters, data.seed, data.threads)
    return Backtest(
        window_start=known.start,
        window_end=known.end,
        cases=len(known.customers),
        metrics=judgement.metrics(OURS) | judgement.doubt(data.seed) | {"cases": float(len(known.customers))},
        baseline_metrics=judgement.metrics(RESPONSE),
        details=known.facts
        | {
            "chosen": [choice.chosen for choice in judgement.choices],
            "why": [choice.words for choice in judgement.choices],
        },
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on every campaign, score every customer with an order who allows personalization."""
    parameters: UpliftParameters = data.parameters
    known = uplift_trial(data)
    data.progress("uplift: train")
    model = UpliftModel.fit(known.trial, known.folds(parameters.folds, data.seed), parameters, data.seed, data.threads)
    if model.choice.chosen == RESPONSE:
        raise NotEnoughData(f"uplift: {model.choice.words} Hold out more customers, in more campaigns.")
    data.progress("uplift: score")
    table = _scored(data.history.snapshot(data.as_of), model, data.threads)

    def write_files(folder: Path) -> None:
        model.write(folder, known.facts | {"features": list(FEATURES), "why": model.choice.words})

    return FittedFamily(write_files, table, _described(parameters.outcome_days, known.facts), _replays(table))


def _scored(customers: Snapshot, model: UpliftModel, threads: int) -> pa.Table:
    """The columns of the customers' table, a row per customer."""
    uplift, low, high = (np.round(number, DECIMALS) for number in model.uplift(customers.features, threads))
    bands = uplift_bands(low, high, model.orders_anyway(customers.features, threads), model.order_rate)
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
    """The customers of lowest, middle and highest uplift, asked again before the bundle is served."""
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
    gate=Gate(metric="qini", higher_is_better=True, at_most={"chance_no_better": MOST_CHANCE}),
    parameters=UpliftParameters,
    backtest=backtest,
    fit=fit,
)
