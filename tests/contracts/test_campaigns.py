"""Whom running campaigns hold out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts import columns as c
from contracts.campaigns import HELD_OUT, OUTCOME_DAYS, campaigns_folder, held_out_customers
from contracts.settings import load_settings

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def write(home: Path, campaign: str, arms: dict[str, str], days_ago: float) -> None:
    folder = campaigns_folder(load_settings(home=home))
    folder.mkdir(exist_ok=True)
    rows = [
        {"campaign": campaign, "customer_id": name, "arm": arm, "assigned_at": NOW - timedelta(days=days_ago)}
        for name, arm in arms.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=c.CAMPAIGNS), folder / f"{campaign}.parquet")


def test_only_the_control_groups_of_running_campaigns(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    assert held_out_customers(settings, NOW) == ()
    write(tmp_path, "running", {"ann": HELD_OUT, "bob": "contacted"}, days_ago=OUTCOME_DAYS - 1)
    write(tmp_path, "also", {"ann": HELD_OUT, "cy": HELD_OUT}, days_ago=1)
    write(tmp_path, "over", {"di": HELD_OUT}, days_ago=OUTCOME_DAYS + 1)
    assert held_out_customers(settings, NOW) == ("ann", "cy")
