"""The tables of figures as a bundle has them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from contracts.bundle import COHORTS_TABLE, KPIS_TABLE, read_table
from models.customers.cadence import CadenceParameters
from pipelines.features.kpis import ALL_CHANNELS
from pipelines.publishing.kpi_tables import write_kpis
from tests.worlds import day, events_table, order, view

Rows = list[dict[str, Any]]
CADENCE = CadenceParameters(min_customers=2, horizon_days=20)
WITHOUT_CHURN = pa.table({"customer_id": ["ada", "bob"]})


def facts(folder: Path, table: str) -> dict[bytes, bytes]:
    return dict(read_table(folder / table).schema.metadata)


def written(
    folder: Path,
    rows: Rows,
    parameters: CadenceParameters = CADENCE,
    as_of: datetime = day(200),
    customers: pa.Table = WITHOUT_CHURN,
) -> Path:
    write_kpis(folder, ibis.memtable(events_table(rows)), as_of, customers, parameters)
    return folder


def orders_every_ten_days() -> Rows:
    return [line for name in ("ada", "bob") for at in range(0, 100, 10) for line in order(name, at, {"tea": 1})]


def test_both_tables_are_written_with_the_cut_and_the_days_after_which_a_customer_is_lost(tmp_path: Path) -> None:
    written(tmp_path, orders_every_ten_days())
    for table in (KPIS_TABLE, COHORTS_TABLE):
        assert facts(tmp_path, table) == {b"as_of": day(200).isoformat().encode(), b"lapse_days": b"40"}
    lost = read_table(tmp_path / KPIS_TABLE).filter(pc.field("channel") == ALL_CHANNELS)
    assert sum(lost["lapsed_customers"].to_pylist()) == 2


def test_who_is_lost_is_what_the_published_churn_says_whatever_the_settings_are_now(tmp_path: Path) -> None:
    horizons = pa.array([None, 60], pa.int32())  # the first customer has no order
    written(tmp_path, orders_every_ten_days(), customers=WITHOUT_CHURN.append_column("churn_horizon_days", horizons))
    assert facts(tmp_path, KPIS_TABLE)[b"lapse_days"] == b"120"
    lost = read_table(tmp_path / KPIS_TABLE).filter(pc.field("channel") == ALL_CHANNELS)
    assert sum(lost["lapsed_customers"].to_pylist()) == 0  # the last order was 110 days ago


def test_a_store_without_a_cadence_has_figures_without_losses(tmp_path: Path) -> None:
    written(tmp_path, order("ada", 1, {"tea": 1}))
    assert facts(tmp_path, KPIS_TABLE)[b"lapse_days"] == b""
    assert set(read_table(tmp_path / KPIS_TABLE)["lapsed_customers"].to_pylist()) == {None}


def test_visitors_who_never_buy_do_not_change_a_figure(tmp_path: Path) -> None:
    rows = orders_every_ten_days()
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    with_views = written(tmp_path / "with", [*rows, view("eve", 5, "tea")])
    assert read_table(with_views / KPIS_TABLE).equals(read_table(written(tmp_path / "without", rows) / KPIS_TABLE))


def test_a_store_without_orders_has_no_tables(tmp_path: Path) -> None:
    written(tmp_path, [view("eve", 5, "tea")])
    assert not (tmp_path / KPIS_TABLE).exists()
    assert not (tmp_path / COHORTS_TABLE).exists()
