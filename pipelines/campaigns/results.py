"""Results of a campaign: the effect of contacting against the holdout group, and a check of the arms' sizes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import chi2, norm

from contracts import columns as c
from contracts.campaigns import OUTCOME_DAYS
from contracts.errors import InputError, NotEnoughData
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.campaigns.holdout import (
    CONFIDENCE,
    CONTACTED,
    campaign_path,
    customers_with_order,
    holdout_share,
    known_customers,
    known_until,
)
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse

SUSPICIOUS: Final = 0.001  # p-value of a sample ratio mismatch: an arm lost customers, or was changed


@dataclass(frozen=True)
class Lift:
    """The effect of contacting, with an interval of CONFIDENCE; rates are shares of customers with an order."""

    contacted: int
    held_out: int
    contacted_rate: float
    held_out_rate: float
    lift: float
    lift_low: float
    lift_high: float

    @property
    def extra_customers(self) -> float:
        """How many more customers ordered because of the contact."""
        return self.lift * self.contacted


@dataclass(frozen=True)
class Results:
    """A campaign's lift so far, and the check for a sample ratio mismatch."""

    campaign: str
    assigned_at: datetime
    until: datetime
    is_complete: bool  # False: the outcome window is not over, and the figures will change
    lift: Lift
    drawn_share: float
    split_p_value: float  # chi-square test of the arms' sizes against the assigned share

    @property
    def is_split_suspicious(self) -> bool:
        return self.split_p_value < SUSPICIOUS


def results(
    settings: Settings, campaign: str, outcome_days: int = OUTCOME_DAYS, progress: Progress = silent
) -> Results:
    """Compare who ordered within `outcome_days` of the assignment, by arm; raises InputError, NotEnoughData."""
    path = campaign_path(settings, campaign)
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.parquet"))) or "none yet"
        raise InputError(f"there is no campaign {campaign!r}; there are: {known}.")
    progress("holdout: orders since")
    warehouse, assignments = open_warehouse(settings), pq.read_table(path)
    start: datetime = assignments[c.ASSIGNED_AT][0].as_py()
    until = start + timedelta(days=outcome_days)
    last = known_until(warehouse)
    buyers = customers_with_order(views.events(warehouse), start, min(until, last))
    present = assignments.filter(pc.is_in(assignments[c.CUSTOMER_ID], known_customers(warehouse)))
    ordered = pc.is_in(present[c.CUSTOMER_ID], buyers).to_numpy()
    is_contacted = pc.equal(present[c.ARM], CONTACTED).to_numpy()
    if is_contacted.all() or not is_contacted.any():
        raise NotEnoughData(
            f"campaign {campaign!r} has nobody to compare with: of {len(is_contacted):,} customers, "
            f"{int(is_contacted.sum()):,} are to be contacted. Assignment a larger share, or from more customers."
        )
    lift, share = lift_of(ordered[is_contacted], ordered[~is_contacted]), holdout_share(path)
    p_value = split_p_value(lift.contacted, lift.held_out, share)
    return Results(campaign, start, until, until <= last, lift, share, p_value)


def lift_of(contacted: np.ndarray, held_out: np.ndarray) -> Lift:
    """Difference of the shares of 0/1 outcomes in two arms, neither of them empty.

    The interval is Newcombe's (Statistics in Medicine 1998, method 10), sound where orders are few.
    """
    first, second = float(contacted.mean()), float(held_out.mean())
    first_low, first_high = _wilson(first, len(contacted))
    second_low, second_high = _wilson(second, len(held_out))
    lift = first - second
    return Lift(
        contacted=len(contacted),
        held_out=len(held_out),
        contacted_rate=first,
        held_out_rate=second,
        lift=lift,
        lift_low=lift - float(np.hypot(first - first_low, second_high - second)),
        lift_high=lift + float(np.hypot(first_high - first, second - second_low)),
    )


def split_p_value(contacted: int, held_out: int, share: float) -> float:
    """P-value of arm sizes this far from the assigned share (chi-square, one degree of freedom)."""
    expected = share * (contacted + held_out)
    statistic = (held_out - expected) ** 2 / (expected * (1 - share))
    return float(chi2.sf(statistic, 1))


def _wilson(rate: float, count: int) -> tuple[float, float]:
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    middle = rate + z * z / (2 * count)
    half = z * float(np.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return (middle - half) / scale, (middle + half) / scale
