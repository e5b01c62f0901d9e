"""Campaigns on disk, and the customers of running campaigns who must not be contacted.

<home>/campaigns/<campaign>.parquet   a row per customer: campaign, customer_id, arm, assigned_at
<home>/campaigns/held_out_ids.arrow   every id of each held-out customer: drawn_id, customer_id
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contracts import columns as c
from contracts.settings import Settings

HELD_OUT: Final = "holdout"  # the control arm
OUTCOME_DAYS: Final = 30  # for which a campaign runs
HELD_OUT_IDS: Final = "held_out_ids.arrow"
DRAWN_ID: Final = "drawn_id"  # the customer id when the campaign was drawn


def campaigns_folder(settings: Settings) -> Path:
    """Where the assignments of all campaigns are."""
    return settings.home.resolve() / "campaigns"


def held_out_customers(settings: Settings, now: datetime | None = None) -> tuple[str, ...]:
    """The ids of the control groups of running campaigns, sorted.

    They include those of customers who were merged with a held-out one before or after the draw: who is held out under
    one id must not be contacted under another.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    tables = [pq.read_table(path).cast(c.CAMPAIGNS) for path in campaigns_folder(settings).glob("*.parquet")]
    every = pa.concat_tables([c.CAMPAIGNS.empty_table(), *tables])
    start = (now or datetime.now(UTC)) - timedelta(days=OUTCOME_DAYS)
    is_running = pc.greater(every[c.ASSIGNED_AT], start)
    drawn = every.filter(pc.and_(is_running, pc.equal(every[c.ARM], HELD_OUT)))[c.CUSTOMER_ID]
    found = set(drawn.to_pylist())
    path = campaigns_folder(settings) / HELD_OUT_IDS
    if path.is_file():
        ids = feather.read_table(path, memory_map=False)
        found.update(ids.filter(pc.is_in(ids[DRAWN_ID], drawn))[c.CUSTOMER_ID].to_pylist())
    return tuple(sorted(found))
