"""Our models on plain order histories: the orders become events for the value family."""

from datetime import UTC, datetime
from typing import Final

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.customers.metrics import Prediction
from benchmarks.customers.split import Split
from contracts import columns as c
from contracts.events.names import ORDER_COMPLETED
from models.lifetime_value.cases import ValueParameters
from pipelines.families.family import TrainingData
from pipelines.families.lifetime_value import predict

SEED: Final = 7


def predict_ours(cut: Split) -> Prediction:
    """What the value family publishes: mean orders and spend within the horizon, and the interval of the spend.

    The arrays are (customers,), in the order of the split's customers. Further customers are for training only.
    """
    as_of = cut.calibration_end.to_pydatetime().replace(tzinfo=UTC)
    events = ibis.memtable(order_events(cut.all_orders, as_of))
    data = TrainingData(
        events=events,
        catalogue=ibis.memtable(c.CATALOGUE.empty_table()),
        as_of=as_of,
        parameters=ValueParameters(),
        seed=SEED,
        threads=1,
    )
    customer_ids, by_horizon = predict(data, (cut.horizon_days,))
    expected = by_horizon[cut.horizon_days]
    rows = pc.index_in(pa.array(cut.customers.tolist(), customer_ids.type), value_set=customer_ids).to_numpy()
    return {
        "orders": expected.orders[rows],
        "spend": expected.spend[rows],
        "spend_low": expected.low[rows],
        "spend_high": expected.high[rows],
    }


def order_events(history: pd.DataFrame, as_of: datetime) -> pa.Table:
    """`columns.EVENT_LINES`: one completed order of one line for each row before `as_of`, at its time in UTC."""
    past = history[history["ordered_at"] < pd.Timestamp(as_of).tz_localize(None)]
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
