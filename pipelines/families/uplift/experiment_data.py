"""The training data of uplift: all campaigns with a random holdout, pooled to one experiment.

Features and consent are those at the instant of the assignment; the outcome is an order within the days after it. A
campaign whose arms have another size than was drawn is left out: an arm lost customers, and not at random.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.customers.features import FEATURES
from models.uplift.experiment import ExperimentData
from models.uplift.model import UpliftParameters
from pipelines.campaigns.holdout import CONTACTED
from pipelines.campaigns.results import SUSPICIOUS, split_p_value
from pipelines.families.family import TrainingData
from pipelines.families.snapshots import CustomerHistory

log = logging.getLogger(__name__)
_HOW: Final = "Run `shopkeeper holdout CAMPAIGN` before the next campaign, contact only the customers in its file"


@dataclass(frozen=True)
class PooledExperiment:
    """All campaigns with known outcomes as one experiment; one row per customer and campaign."""

    data: ExperimentData
    facts: dict[str, Any]
    start: datetime
    end: datetime


@dataclass(frozen=True)
class _Campaign:
    """One campaign's customers, (customers,)."""

    name: str
    holdout_share: float  # that was drawn
    ids: pa.Array
    features: np.ndarray
    treated: np.ndarray
    outcome: np.ndarray

    @property
    def treated_share(self) -> float:
        return float(self.treated.mean()) if len(self.treated) else 0.0

    @property
    def problem(self) -> str | None:
        """What is wrong with the sizes of the arms, in a sentence; None if they are as drawn."""
        contacted, held_out = int((self.treated == 1).sum()), int((self.treated == 0).sum())
        if not len(self.treated) or split_p_value(contacted, held_out, self.holdout_share) >= SUSPICIOUS:
            return None
        return (
            f"campaign {self.name!r} is left out: a holdout of {self.holdout_share:.0%} was drawn, and of its "
            f"customers with an earlier order {contacted:,} are contacted ones and {held_out:,} held-out ones. Chance "
            "does not explain this: an arm lost customers, or the assignment was changed."
        )

    def weights(self, share: float) -> np.ndarray:
        """Weights that bring the share of treated to `share`: unequal shares would confound season and effect."""
        return np.where(self.treated == 1, share / self.treated_share, (1 - share) / (1 - self.treated_share))


def pooled_experiment(data: TrainingData) -> PooledExperiment:
    """Pool the campaigns; raises NotEnoughData without campaigns that have known outcomes and large enough arms."""
    parameters: UpliftParameters = data.parameters
    days = timedelta(days=parameters.outcome_days)
    assigned = data.campaigns.to_pyarrow()
    if not assigned.num_rows:
        raise NotEnoughData(f"uplift needs a campaign with a random holdout; there is none. {_HOW}.")
    finished = assigned.filter(pc.less_equal(assigned[c.ASSIGNED_AT], pa.scalar(data.as_of - days, c.TIMESTAMP)))
    if not finished.num_rows:
        soonest = pc.min(assigned[c.ASSIGNED_AT]).as_py() + days
        raise NotEnoughData(
            f"uplift needs {parameters.outcome_days} days of orders after a campaign's start; the first campaign has "
            f"them on {soonest:%Y-%m-%d}."
        )
    starts = (
        finished.group_by([c.CAMPAIGN, c.ASSIGNED_AT])
        .aggregate([])
        .sort_by([(c.ASSIGNED_AT, "ascending"), (c.CAMPAIGN, "ascending")])
    )
    campaigns = [
        _campaign(finished, row[c.CAMPAIGN], row[c.ASSIGNED_AT], days, data.complete_history)
        for row in starts.to_pylist()
    ]
    start, latest = pc.min_max(starts[c.ASSIGNED_AT]).as_py().values()
    problems = [campaign.problem for campaign in campaigns if campaign.problem is not None]
    for problem in problems:
        log.warning("uplift: %s", problem)
    both_arms = [campaign for campaign in campaigns if 0 < campaign.treated_share < 1 and campaign.problem is None]
    pooled = _pooled(both_arms)
    facts = _counts(pooled) | {"campaigns": len(campaigns) - len(problems), "outcome_days": parameters.outcome_days}
    _check(facts, parameters, problems)
    facts |= {"left_out": problems} if problems else {}
    if len(pooled.outcome) > parameters.max_training_rows:
        random = np.random.default_rng(data.seed)
        rows = random.choice(np.arange(len(pooled.outcome)), parameters.max_training_rows, replace=False)
        pooled = pooled.subset(np.sort(rows))
    return PooledExperiment(pooled, facts, start, latest + days)


def _campaign(assigned: pa.Table, campaign: str, at: datetime, days: timedelta, history: CustomerHistory) -> _Campaign:
    """Customers who had ordered and allowed personalization, both as known before the arms were assigned.

    A later refusal changes nothing: more of those who were contacted refuse.
    """
    is_here = pc.and_(
        pc.equal(assigned[c.CAMPAIGN], campaign), pc.equal(assigned[c.ASSIGNED_AT], pa.scalar(at, c.TIMESTAMP))
    )
    rows = assigned.filter(is_here)
    snapshot = history.snapshot(at)
    row = pc.index_in(snapshot.customer_ids, rows[c.CUSTOMER_ID].combine_chunks())
    customers = snapshot.subset(row.is_valid().to_numpy(zero_copy_only=False))
    treated = pc.equal(rows[c.ARM].take(row.drop_null()), CONTACTED).to_numpy().astype(np.int64)
    ordered = history.order_days(at + days, since=at)[c.CUSTOMER_ID].combine_chunks()
    outcome = pc.is_in(customers.customer_ids, ordered).to_numpy(zero_copy_only=False).astype(np.int64)
    share = float(rows[c.HOLDOUT_SHARE][0].as_py())
    return _Campaign(campaign, share, customers.customer_ids, customers.features, treated, outcome)


def _pooled(campaigns: list[_Campaign]) -> ExperimentData:
    treated = np.concatenate([campaign.treated for campaign in campaigns] or [np.empty(0)])
    share = float(treated.mean()) if len(treated) else 0.0
    ids = pa.chunked_array([campaign.ids for campaign in campaigns], pa.string())
    return ExperimentData(
        features=np.concatenate([campaign.features for campaign in campaigns] or [np.empty((0, len(FEATURES)))]),
        treated=treated,
        outcome=np.concatenate([campaign.outcome for campaign in campaigns] or [np.empty(0)]),
        weight=np.concatenate([campaign.weights(share) for campaign in campaigns] or [np.empty(0)]),
        customers=ids.dictionary_encode().combine_chunks().indices.to_numpy(),
    )


def _counts(experiment: ExperimentData) -> dict[str, Any]:
    arms = {"contacted": experiment.treated == 1, "held_out": experiment.treated == 0}
    sizes = {name: int(rows.sum()) for name, rows in arms.items()}
    return sizes | {f"{name}_ordered": int(experiment.outcome[rows].sum()) for name, rows in arms.items()}


def _check(facts: dict[str, Any], parameters: UpliftParameters, problems: list[str]) -> None:
    fewest = min(facts["contacted"], facts["held_out"])
    fewest_orders = min(facts["contacted_ordered"], facts["held_out_ordered"])
    if fewest < parameters.min_per_arm or fewest_orders < parameters.min_orders_per_arm:
        raise NotEnoughData(
            f"uplift needs {parameters.min_per_arm} customers with an earlier order in either arm, of whom "
            f"{parameters.min_orders_per_arm} ordered within {parameters.outcome_days} days. So far "
            f"{facts['contacted_ordered']} of {facts['contacted']} contacted and {facts['held_out_ordered']} of "
            f"{facts['held_out']} held-out ones did. {_HOW}, and hold out more."
            + "".join(f" {problem[0].upper()}{problem[1:]}" for problem in problems)
        )
