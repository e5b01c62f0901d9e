"""The marketer's figures as two tables of a bundle, made whenever one is published."""

from datetime import datetime
from pathlib import Path
from typing import Final

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import COHORTS_TABLE, KPIS_TABLE, write_table
from contracts.errors import NotEnoughData
from models.customers.cadence import LAPSE_HORIZONS, CadenceParameters
from pipelines.families.snapshots import cadence_of, order_days
from pipelines.features.customer import INPUT_COLUMNS, ORDER_EVENTS, customer_input
from pipelines.features.kpis import cohorts, kpis
from pipelines.features.orders import orders_of_consenting

_COLUMNS: Final = (*INPUT_COLUMNS, c.CHANNEL)


def write_kpis(
    draft: Path, events: ibis.Table, as_of: datetime, customers: pa.Table, parameters: CadenceParameters
) -> None:
    """Write both tables into a bundle's draft; nothing where the store has no order that stands.

    The metadata hold `as_of`, and the `lapse_days` after which a customer counts as lost: those of the churn columns in
    `customers`, the bundle's table; where it has none, of the store's purchase cadence by `parameters`. Empty where the
    store is too young to have a cadence.
    """
    relevant = events.filter(events[c.EVENT].isin(ORDER_EVENTS)).select(*_COLUMNS).cache()
    lapse_days = _published_lapse_days(customers) or _lapse_days(relevant, as_of, parameters)
    by_month = kpis(relevant, as_of, lapse_days).to_pyarrow()
    if not by_month.num_rows:
        return
    facts = {"as_of": as_of.isoformat(), "lapse_days": "" if lapse_days is None else str(lapse_days)}
    _write(draft / KPIS_TABLE, by_month, facts)
    _write(draft / COHORTS_TABLE, cohorts(relevant, as_of).to_pyarrow(), facts)


def _published_lapse_days(customers: pa.Table) -> int | None:
    """The churn family may have been fitted earlier, with other settings, or on fewer events."""
    if c.CHURN_HORIZON_DAYS not in customers.column_names:
        return None
    horizon_days = pc.max(customers[c.CHURN_HORIZON_DAYS]).as_py()
    return None if horizon_days is None else LAPSE_HORIZONS * int(horizon_days)


def _lapse_days(events: ibis.Table, as_of: datetime, parameters: CadenceParameters) -> int | None:
    try:
        days = (
            order_days(orders_of_consenting(customer_input(events), as_of)).order_by(c.CUSTOMER_ID, c.DAY).to_pyarrow()
        )
        return cadence_of(days, as_of, parameters, "kpis").lapse_days
    except NotEnoughData:
        return None


def _write(path: Path, table: pa.Table, facts: dict[str, str]) -> None:
    write_table(path, table.replace_schema_metadata(facts))
