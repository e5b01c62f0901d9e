"""A store's demand as the demand model reads it: the active items' units, prices and categories, per whole day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.demand import DemandParameters
from models.demand_history import DemandHistory, demand_history
from pipelines.families.declaration import TrainingData
from pipelines.features.demand import daily_demand

MAX_CATEGORIES: Final = 64
HORIZONS_NEEDED: Final = 2  # one to learn from, one to calibrate on


@dataclass(frozen=True)
class StoreDemand:
    """The history of the items that sold lately; `item_ids` (items,) sorted, `end` the day after the last one."""

    item_ids: np.ndarray
    history: DemandHistory
    end: np.datetime64


def midnight(instant: datetime) -> datetime:
    """The beginning of the instant's UTC day."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def store_demand(data: TrainingData, as_of: datetime, held_out_days: int = 0) -> StoreDemand:
    """Demand as it was known on the morning of `as_of`'s day.

    Raises NotEnoughData; `held_out_days`, which are needed besides, only serve its message.
    """
    parameters: DemandParameters = data.parameters
    sales = _sales(data.events, as_of)
    dates, end = _dates(sales), np.datetime64(as_of.date(), "D")
    first = max(min(dates, default=end), end - _days(parameters.history_days))
    is_active = dates >= end - _days(min(parameters.active_days, parameters.history_days))
    item_ids = np.unique(_item_ids(sales)[is_active])
    _check_enough(len(item_ids), int((end - first).astype(int)), held_out_days, parameters)
    item = _positions(item_ids, _item_ids(sales))
    is_used = (item >= 0) & (dates >= first)
    history = demand_history(
        item=item[is_used],
        day=(dates[is_used] - first).astype(np.int64),
        units=sales[c.UNITS].to_numpy()[is_used],
        price=sales[c.PRICE].to_numpy()[is_used],
        category=_categories(data.catalogue, item_ids),
        first_day=first,
        days=int((end - first).astype(int)),
    )
    return StoreDemand(item_ids, history, end)


def units_sold(data: TrainingData, demand: StoreDemand, horizon_days: int) -> tuple[np.ndarray, dict[str, Any]]:
    """What the items sold in the days after `demand` ends, (items, days); and what items not among them sold, apart."""
    sales = _sales(data.events, data.as_of)
    day = (_dates(sales) - demand.end).astype(np.int64)
    is_later = (day >= 0) & (day < horizon_days)
    item, units = _positions(demand.item_ids, _item_ids(sales)), sales[c.UNITS].to_numpy()
    actual = np.zeros((len(demand.item_ids), horizon_days))
    is_known, is_new = is_later & (item >= 0), is_later & (item < 0)
    actual[item[is_known], day[is_known]] = units[is_known]
    others = {
        "items_without_recent_sales": len(np.unique(_item_ids(sales)[is_new])),
        "units_of_items_without_recent_sales": float(units[is_new].sum()),
    }
    return actual, others


def _sales(events: ibis.Table, as_of: datetime) -> pa.Table:
    return daily_demand(events, as_of).to_pyarrow().combine_chunks()


def _days(number: int) -> np.timedelta64:
    return np.timedelta64(number, "D")


def _dates(sales: pa.Table) -> np.ndarray:
    dates: np.ndarray = sales[c.DATE].to_numpy().astype("datetime64[D]")
    return dates


def _item_ids(sales: pa.Table) -> np.ndarray:
    return np.asarray(sales[c.ITEM_ID].to_numpy(), dtype=np.str_)


def _positions(item_ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted id stands in the sorted `item_ids`; -1 where it does not."""
    position = np.minimum(np.searchsorted(item_ids, wanted), len(item_ids) - 1)
    return np.where(item_ids[position] == wanted, position, -1)


def _categories(catalogue: ibis.Table, item_ids: np.ndarray) -> np.ndarray:
    """Each item's category as a code, the largest category first; -1 for no category, or one of the many small ones."""
    known = catalogue.select(c.ITEM_ID, c.ITEM_CATEGORY).to_pyarrow()
    index = pc.index_in(pa.array(item_ids, pa.string()), known[c.ITEM_ID])
    names = np.asarray(known[c.ITEM_CATEGORY].take(index).fill_null("").to_numpy(), dtype=np.str_)
    values, codes, counts = np.unique(names, return_inverse=True, return_counts=True)
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(np.where(values == "", 0, -counts), kind="stable")] = np.arange(len(values))
    is_told_apart = (values != "") & (rank < MAX_CATEGORIES)
    return np.where(is_told_apart, rank, -1)[codes]


def _check_enough(items: int, days: int, held_out_days: int, parameters: DemandParameters) -> None:
    needed_days = HORIZONS_NEEDED * parameters.horizon_days
    if days >= needed_days and items >= parameters.min_items:
        return
    judged = f", {held_out_days} of them to be judged on," if held_out_days else ""
    raise NotEnoughData(
        f"demand needs {needed_days + held_out_days} whole days since the first order{judged} and "
        f"{parameters.min_items} items that sold; there are {days + held_out_days} days and {items} items. "
        "Ingest older orders, or wait for new ones."
    )
