"""The trial that uplift is learned from: campaigns with a random holdout, and what their customers did afterwards.

Features are those of the instant of the assignment; the outcome is an order within the days after it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.customers.features import FEATURES
from models.uplift.meta_learners import Trial
from models.uplift.model import UpliftParameters, deal_folds
from pipelines.campaigns.holdout import CONTACTED
from pipelines.families.family import TrainingData
from pipelines.families.snapshots import CustomerHistory

_HOW: Final = "Run `shopkeeper holdout CAMPAIGN` before the next campaign, contact only whom it names"


@dataclass(frozen=True)
class UpliftTrial:
    """Every campaign whose outcome is known, as one trial; a row per customer and campaign."""

    trial: Trial
    customers: np.ndarray  # (rows,) numbers; several rows of one customer have the same
    facts: dict[str, Any]
    start: datetime
    end: datetime

    def folds(self, count: int, seed: int) -> np.ndarray:
        """A fold number per row, (rows,); all rows of a customer are in one fold."""
        _, first, number = np.unique(self.customers, return_index=True, return_inverse=True)
        folds: np.ndarray = deal_folds(self.trial.taken(first), count, seed)[number]
        return folds


def uplift_trial(data: TrainingData) -> UpliftTrial:
    """Gather the campaigns; raises NotEnoughData where none has a holdout whose outcome is known and large enough."""
    parameters: UpliftParameters = data.parameters
    days = timedelta(days=parameters.outcome_days)
    assigned = data.campaigns.to_pyarrow()
    if not assigned.num_rows:
        raise NotEnoughData(f"uplift needs a campaign with a random holdout; there is none. {_HOW}.")
    over = assigned.filter(pc.less_equal(assigned[c.ASSIGNED_AT], pa.scalar(data.as_of - days, c.TIMESTAMP)))
    if not over.num_rows:
        soonest = pc.min(assigned[c.ASSIGNED_AT]).as_py() + days
        raise NotEnoughData(
            f"uplift needs {parameters.outcome_days} days of orders after a campaign's start; the first campaign has "
            f"them on {soonest:%Y-%m-%d}."
        )
    starts = (
        over.group_by([c.CAMPAIGN, c.ASSIGNED_AT])
        .aggregate([])
        .sort_by([(c.ASSIGNED_AT, "ascending"), (c.CAMPAIGN, "ascending")])
    )
    parts = [_one_campaign(over, row[c.CAMPAIGN], row[c.ASSIGNED_AT], days, data.history) for row in starts.to_pylist()]
    parts = [(ids, trial) for ids, trial in parts if 0 < trial.treated_share < 1]
    return _gathered(parts, starts, days, parameters, data.seed)


def _one_campaign(
    assigned: pa.Table, campaign: str, at: datetime, days: timedelta, history: CustomerHistory
) -> tuple[pa.Array, Trial]:
    """Those who had ordered before and allow personalization; of both arms alike, as it was so before the draw."""
    is_here = pc.and_(
        pc.equal(assigned[c.CAMPAIGN], campaign), pc.equal(assigned[c.ASSIGNED_AT], pa.scalar(at, c.TIMESTAMP))
    )
    rows = assigned.filter(is_here)
    customers = history.snapshot(at)
    place = pc.index_in(customers.customer_ids, rows[c.CUSTOMER_ID].combine_chunks())
    is_drawn = place.is_valid().to_numpy(zero_copy_only=False)
    drawn = customers.taken(is_drawn)
    arms = rows[c.ARM].take(place.drop_null())
    treated = pc.equal(arms, CONTACTED).to_numpy().astype(np.int64)
    came = history.order_days(at + days, since=at)[c.CUSTOMER_ID]
    outcome = pc.is_in(drawn.customer_ids, came.combine_chunks()).to_numpy(zero_copy_only=False).astype(np.int64)
    return drawn.customer_ids, Trial(drawn.features, treated, outcome, np.ones(len(outcome)))


def _gathered(
    parts: list[tuple[pa.Array, Trial]], starts: pa.Table, days: timedelta, parameters: UpliftParameters, seed: int
) -> UpliftTrial:
    everyone = pa.chunked_array([ids for ids, _ in parts], pa.string())
    trials = [trial for _, trial in parts]
    treated = np.concatenate([trial.treated for trial in trials] or [np.empty(0)])
    share = float(treated.mean()) if len(treated) else 0.0
    trial = Trial(
        features=np.concatenate([trial.features for trial in trials] or [np.empty((0, len(FEATURES)))]),
        treated=treated,
        outcome=np.concatenate([trial.outcome for trial in trials] or [np.empty(0)]),
        weight=np.concatenate([_balanced(trial, share) for trial in trials] or [np.empty(0)]),
    )
    facts = _counts(trial) | {"campaigns": starts.num_rows, "outcome_days": parameters.outcome_days}
    _check(facts, parameters)
    customers = everyone.dictionary_encode().combine_chunks().indices.to_numpy()
    rows = np.arange(len(customers))
    if len(rows) > parameters.max_training_rows:
        rows = np.sort(np.random.default_rng(seed).choice(rows, parameters.max_training_rows, replace=False))
    start, latest = pc.min_max(starts[c.ASSIGNED_AT]).as_py().values()
    return UpliftTrial(trial.taken(rows), customers[rows], facts, start, latest + days)


def _balanced(trial: Trial, share: float) -> np.ndarray:
    """Weights that give every campaign the same share of contacted: else its season would pass for an effect."""
    own = trial.treated_share
    return np.where(trial.treated == 1, share / own, (1 - share) / (1 - own))


def _counts(trial: Trial) -> dict[str, int]:
    arms = {"contacted": trial.treated == 1, "held_out": trial.treated == 0}
    sizes = {name: int(rows.sum()) for name, rows in arms.items()}
    return sizes | {f"{name}_ordered": int(trial.outcome[rows].sum()) for name, rows in arms.items()}


def _check(facts: dict[str, Any], parameters: UpliftParameters) -> None:
    fewest = min(facts["contacted"], facts["held_out"])
    fewest_orders = min(facts["contacted_ordered"], facts["held_out_ordered"])
    if fewest < parameters.min_per_arm or fewest_orders < parameters.min_orders_per_arm:
        raise NotEnoughData(
            f"uplift needs {parameters.min_per_arm} customers with an earlier order in either arm, of whom "
            f"{parameters.min_orders_per_arm} ordered within {parameters.outcome_days} days. So far "
            f"{facts['contacted_ordered']} of {facts['contacted']} contacted and {facts['held_out_ordered']} of "
            f"{facts['held_out']} held-out ones did. {_HOW}, and hold out more."
        )
