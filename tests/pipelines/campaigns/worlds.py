"""A store with a campaign whose effect is planted: frequent customers are moved by it, and nobody else."""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.campaigns import HELD_OUT
from tests.worlds import day, events_table, order

CUSTOMERS = 3000
START_DAY = 200.0
END_DAY = 240.0
CAMPAIGN = "spring"


def assignments(
    arms: dict[str, str], at: datetime, campaign: str = CAMPAIGN, holdout_share: float | None = None
) -> pa.Table:
    """Rows of ASSIGNMENTS, a customer each; the share that was drawn is by default that of the arms."""
    share = holdout_share or sum(arm == HELD_OUT for arm in arms.values()) / len(arms) or 0.1
    rows = [dict(zip(c.ASSIGNMENTS.names, (campaign, name, arm, at, share), strict=True)) for name, arm in arms.items()]
    return pa.Table.from_pylist(rows, schema=c.ASSIGNMENTS)


def store_with_campaign(
    effect: float, customers: int = CUSTOMERS, seed: int = 1
) -> tuple[pa.Table, pa.Table, dict[str, bool]]:
    """Events, assignments, and who is persuadable: frequent customers, of whom `effect` more order if contacted.

    The others order more often anyway, so that who orders is not who is changed.
    """
    generator = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    arms, persuadable = {}, {}
    for number in range(customers):
        name = f"customer-{number:05}"
        is_frequent = bool(number % 2)
        persuadable[name] = is_frequent
        days = generator.uniform(0, START_DAY, 6 if is_frequent else 2)
        rows += [line for at in days for line in order(name, round(float(at), 3), {"tea": 1})]
        arms[name] = "contacted" if generator.random() < 0.6 else "holdout"
        chance = 0.1 + (effect if arms[name] == "contacted" else 0) if is_frequent else 0.45
        if generator.random() < chance:
            rows += order(name, START_DAY + round(float(generator.uniform(0, 29)), 3), {"tea": 1})
    rows += order("private", 10, {"tea": 1}, **{c.ALLOWS_PERSONALIZATION: False})
    arms["private"] = "holdout"
    return events_table(rows), assignments(arms, day(START_DAY)), persuadable
