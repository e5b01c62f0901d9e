"""How a stock policy is judged: by what its orders would have cost on a window that it did not know."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from models.demand.panel import Panel
from models.inventory.simulation import ReplayedStock, ReplayTerms, replay

SERVICE_GRID: Final = (
    *(0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.96, 0.97),
    *(0.975, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99999),
)


class StretchDemand(Protocol):
    """What is believed of a stretch's demand, as far as a stock policy asks."""

    def quantile(self, level: float) -> np.ndarray:
        """The units, (items,), that suffice with probability `level`."""


# What is believed, as of the panel's end, of the demand of the protected time after it.
Belief = Callable[[Panel], StretchDemand]


def window_end(origin: int, periods: int, terms: ReplayTerms) -> int:
    """The last end, up to `periods`, of a window in which every order that arrives was meant to last until its end.

    So that no review needs to know of covariates after it.
    """
    return origin + (periods - origin - terms.protected) // terms.review * terms.review + terms.protected


def beliefs_at_reviews(belief: Belief, panel: Panel, origin: int, end: int, terms: ReplayTerms) -> list[StretchDemand]:
    """What is believed at each review whose order arrives within the window; each time the past alone is looked at."""
    return [belief(panel.before(period)) for period in range(origin, end - terms.lead_time, terms.review)]


def replay_beliefs(
    beliefs: Sequence[StretchDemand], panel: Panel, origin: int, end: int, service_level: float, terms: ReplayTerms
) -> ReplayedStock:
    """The window under the policy that orders up to `service_level` of what it believes."""
    levels = np.column_stack([belief.quantile(service_level) for belief in beliefs])
    before = panel.units[:, max(origin - terms.review, 0) : origin].sum(axis=1, dtype=np.float64)
    return replay(panel.units[:, origin:end].astype(np.float64), levels, before, terms)


def policy_metrics(
    stock: ReplayedStock, terms: ReplayTerms, service_level: float, value: np.ndarray | float
) -> dict[str, float]:
    """Costs in units of value × periods held, where a lost unit costs what makes `service_level` right; and service."""
    holding, shortage = stock.costs(terms, service_level, value)
    return {
        "total_cost": holding + shortage,
        "holding_cost": holding,
        "shortage_cost": shortage,
        "fill_rate": stock.fill_rate,
        "cycle_service": stock.cycle_service,
    }


def at_equal_service(curve: Sequence[Mapping[str, float]], name: str, wanted: float) -> dict[str, float] | None:
    """A policy's metrics where its `name`, such as the fill rate, is `wanted`, between two points of its curve.

    `curve` are its metrics over rising service levels. None where none of its levels comes near.
    """
    # Of several levels with the same service the lowest, which holds least.
    service, first = np.unique(np.maximum.accumulate([point[name] for point in curve]), return_index=True)
    if not service[0] <= wanted <= service[-1]:
        return None
    return {metric: float(np.interp(wanted, service, [curve[place][metric] for place in first])) for metric in curve[0]}
