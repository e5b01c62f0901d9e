"""Our models on plain order histories: the orders become events for the value family."""

from datetime import UTC, datetime
from typing import Final

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.customers.point_forecasts import point_orders
from contracts import columns as c
from contracts.events import ORDER_COMPLETED
from models.lifetime_value.cases import ValueParameters
from pipelines.families.family import TrainingData
from pipelines.families.lifetime_value import predict

OUTSIDE: Final = "further-"  # prefix of the ids of customers for training only


def predict_ours(
    history: pd.DataFrame,
    calibration_end: datetime | pd.Timestamp,
    horizon_days: int,
    further: pd.DataFrame | None,
    seed: int,
) -> dict[str, np.ndarray]:
    """Probability of another order, orders and spend within `horizon_days` after `calibration_end`, exclusive.

    `history` and `further`, which is for training only, have customer_id, ordered_at, units and order_value; rows at or
    after `calibration_end` are ignored. The arrays are (customers,), sorted by customer_id. `orders` are point
    forecasts, with the total of the means.
    """
    as_of = pd.Timestamp(calibration_end).to_pydatetime().replace(tzinfo=UTC)
    known = [history.assign(customer_id=_ids(history, ""))]
    if further is not None:
        known.append(further.assign(customer_id=_ids(further, OUTSIDE)))
    events = ibis.memtable(order_events(pd.concat(known), as_of))
    data = TrainingData(
        events=events,
        catalogue=ibis.memtable(c.CATALOGUE.empty_table()),
        as_of=as_of,
        parameters=ValueParameters(),
        seed=seed,
        threads=1,
    )
    customer_ids, by_horizon = predict(data, (horizon_days,))
    wanted = np.unique(history.loc[_before(history, as_of), "customer_id"])
    rows = {name: row for row, name in enumerate(customer_ids.to_pylist())}
    chosen = np.array([rows[str(name)] for name in wanted.tolist()], dtype=np.int64)
    expected = by_horizon[horizon_days]
    return {
        "probability": expected.probability[chosen],
        "orders": point_orders(expected.probability, expected.orders)[chosen],
        "mean_orders": expected.orders[chosen],
        "spend": expected.spend[chosen],
        "spend_low": expected.low[chosen],
        "spend_high": expected.high[chosen],
    }


def order_events(history: pd.DataFrame, as_of: datetime) -> pa.Table:
    """`columns.EVENT_LINES`: one completed order of one line for each row before `as_of`, at its time in UTC."""
    past = history[_before(history, as_of)]
    size = len(past)
    ids = [f"order-{number}" for number in range(size)]
    units = past["units"].to_numpy(dtype=float)
    given = {
        c.MESSAGE_ID: ids,
        c.ORDER_ID: ids,
        c.LINE: np.zeros(size, np.int32),
        c.TYPE: ["track"] * size,
        c.EVENT: [ORDER_COMPLETED] * size,
        c.OCCURRED_AT: pa.array(past["ordered_at"].to_numpy().astype("datetime64[us]")).cast(c.TIMESTAMP),
        c.RECEIVED_AT: pa.array(past["ordered_at"].to_numpy().astype("datetime64[us]")).cast(c.TIMESTAMP),
        c.SOURCE: ["orders"] * size,
        c.ITEM_ID: ["item"] * size,
        c.QUANTITY: units,
        c.PRICE: np.divide(past["order_value"].to_numpy(dtype=float), units, out=np.zeros(size), where=units > 0),
        c.USER_ID: past["customer_id"].tolist(),
    }
    columns = [
        pa.array(given[field.name], field.type) if field.name in given else pa.nulls(size, field.type)
        for field in c.EVENT_LINES
    ]
    return pa.Table.from_arrays(columns, schema=c.EVENT_LINES)


def _ids(history: pd.DataFrame, prefix: str) -> list[str]:
    return [f"{prefix}{name}" for name in history["customer_id"].tolist()]


def _before(history: pd.DataFrame, as_of: datetime) -> pd.Series:
    return history["ordered_at"] < pd.Timestamp(as_of).tz_localize(None)
