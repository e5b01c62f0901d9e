"""The demand calendar file of the simulated shop: past and planned promotions, and stock-outs."""

import csv
from pathlib import Path
from typing import Final

import numpy as np

from pipelines.families.demand.covariates import OUT_OF_STOCK, PROMOTION
from pipelines.simulate.calendar import DAYS_PLANNED, Calendar
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.parameters import StoreParameters

HEADER: Final = ("date", "until", "item_id", "covariate", "value")


def write_promotion_plan(p: StoreParameters, catalogue: Catalogue, calendar: Calendar, path: Path) -> None:
    """Write the calendar of promotions as a CSV file; it reaches DAYS_PLANNED beyond the last day.

    `pipelines.families.demand.covariates` reads it.
    """
    planned = np.vstack([calendar.discount_percent, calendar.planned_percent])
    assert len(planned) == p.days + DAYS_PLANNED
    launched = np.arange(len(planned))[:, None] >= catalogue.launch_day
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for covariate, values in ((PROMOTION, planned / 100), (OUT_OF_STOCK, calendar.out_of_stock.astype(float))):
            for item, first, last, value in _spells(values * launched[: len(values)]):
                days = (p.date_of(day).isoformat() for day in (first, last))
                writer.writerow([*days, catalogue.item_id[item], covariate, f"{value:g}"])


def _spells(values: np.ndarray) -> list[tuple[int, int, int, float]]:
    """Item, first day, last day and value of each stretch of days with one value above 0, from (days, items)."""
    spells = []
    for item, row in enumerate(values.T):
        edges = np.flatnonzero(np.diff(row, prepend=0.0, append=0.0))
        for first, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if row[first] > 0:
                spells.append((item, first, stop - 1, float(row[first])))
    return spells
