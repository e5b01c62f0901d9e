"""Campaigns on disk, and the customers of running campaigns who must not be contacted.

<home>/campaigns/<campaign>.parquet   a row per customer: campaign, customer_id, arm, assigned_at
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contracts import columns as c
from contracts.settings import Settings

HELD_OUT: Final = "holdout"  # the control arm
OUTCOME_DAYS: Final = 30  # for which a campaign runs


def campaigns_folder(settings: Settings) -> Path:
    """Where the assignments of all campaigns are."""
    return settings.home.resolve() / "campaigns"


def held_out_customers(settings: Settings, now: datetime | None = None) -> tuple[str, ...]:
    """The ids of the control groups of running campaigns, sorted."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    tables = [pq.read_table(path).cast(c.CAMPAIGNS) for path in campaigns_folder(settings).glob("*.parquet")]
    every = pa.concat_tables([c.CAMPAIGNS.empty_table(), *tables])
    start = (now or datetime.now(UTC)) - timedelta(days=OUTCOME_DAYS)
    is_running = pc.greater(every[c.ASSIGNED_AT], start)
    held_out = every.filter(pc.and_(is_running, pc.equal(every[c.ARM], HELD_OUT)))
    return tuple(sorted(set(held_out[c.CUSTOMER_ID].to_pylist())))
