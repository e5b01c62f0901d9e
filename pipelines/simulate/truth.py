"""The truth about the simulated store, as Parquet files beside its events."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts import columns as c
from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.calendar import STORE_PEAK_DAY, Calendar, Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import CHANNELS, COUNTRIES, Customers
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.session_events import SessionEvents
from pipelines.simulate.sessions import WALK_IN, Sessions
from pipelines.simulate.wire_format import EncodedFragments

WALK_INS_PER_WRITE = 50_000


class Ledger:
    """Records each day; its size is items x days, whatever the number of events."""

    def __init__(self, p: StoreParameters, catalogue: Catalogue, fragments: EncodedFragments, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.orders = 0
        self.wanted = np.zeros((p.days, p.items), dtype=np.float32)
        self.sold = np.zeros((p.days, p.items), dtype=np.float32)
        self._profile = np.zeros((p.days, p.items), dtype=np.float32)
        self._p = p
        self._catalogue = catalogue
        self._fragments = fragments
        self._folder = folder
        self._identities = pq.ParquetWriter(folder / "identities.parquet", IDENTITIES)
        self._walk_ins: list[str] = []

    def record(self, day: Day, sessions: Sessions, events: SessionEvents) -> None:
        """Record the units wanted, sold and expected on one day, and the ids of its walk-ins."""
        self.orders += len(events.basket.order_session)
        self.wanted[day.number] = events.basket.wanted
        self.sold[day.number] = events.basket.sold
        self._profile[day.number] = sessions.expected_orders * _shares(day, self._catalogue)
        self._walk_ins += self._fragments.anonymous_ids(sessions.device_key[sessions.customer == WALK_IN])
        if len(self._walk_ins) >= WALK_INS_PER_WRITE:
            self._write_walk_ins()

    def close(self, calendar: Calendar, customers: Customers) -> None:
        """Write every file of the truth."""
        self._write_walk_ins()
        self._identities.write_table(_identities(customers, self._fragments))
        self._identities.close()
        pq.write_table(_customers(self._p, customers), self._folder / "customers.parquet")
        pq.write_table(_items(self._p, self._catalogue), self._folder / "items.parquet")
        pq.write_table(_effects(self._p), self._folder / "effects.parquet")
        self._write_item_days(calendar)

    def _write_walk_ins(self) -> None:
        rows = {"anonymous_id": self._walk_ins, "customer_id": [None] * len(self._walk_ins)}
        rows["is_shared"] = [False] * len(self._walk_ins)
        self._identities.write_table(pa.table(rows, schema=IDENTITIES))
        self._walk_ins = []

    def _write_item_days(self, calendar: Calendar) -> None:
        """One row per item and day from its launch on, a day's rows together."""
        total = self._profile.sum(axis=0)
        scale = np.divide(self.wanted.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
        ids = np.array(self._catalogue.item_id)
        with pq.ParquetWriter(self._folder / "item_days.parquet", ITEM_DAYS) as writer:
            for first in range(0, self._p.days, 32):
                days = np.arange(first, min(first + 32, self._p.days))
                day, item = np.nonzero(self._catalogue.launch_day <= days[:, None])
                day += first
                columns = {
                    c.DATE: _dates(self._p, day),
                    c.ITEM_ID: ids[item],
                    "expected_units": (self._profile[day, item] * scale[item]).astype(np.float32),
                    "units_wanted": self.wanted[day, item],
                    "units_sold": self.sold[day, item],
                    "is_out_of_stock": calendar.out_of_stock[day, item],
                    "discount_percent": calendar.discount_percent[day, item],
                }
                writer.write_table(pa.table(columns, schema=ITEM_DAYS))


IDENTITIES = pa.schema([("anonymous_id", pa.string()), ("customer_id", pa.string()), ("is_shared", pa.bool_())])
ITEM_DAYS = pa.schema(
    [
        (c.DATE, pa.date32()),
        (c.ITEM_ID, pa.string()),
        ("expected_units", pa.float32()),
        ("units_wanted", pa.float32()),
        ("units_sold", pa.float32()),
        ("is_out_of_stock", pa.bool_()),
        ("discount_percent", pa.uint8()),
    ]
)


def _shares(day: Day, catalogue: Catalogue) -> np.ndarray:
    """Each item's share of the day's demand, tastes aside (items,)."""
    category = np.array([category.share for category in CATEGORIES]) * day.category_factor
    weight = day.weight * day.lift
    of_category = np.add.reduceat(weight, catalogue.category_start[:-1])
    return (category / category.sum() / of_category)[catalogue.category] * weight


def _identities(customers: Customers, fragments: EncodedFragments) -> pa.Table:
    """The devices of all customers; a shared one has a row for each of the two."""
    customer, slot = np.nonzero(np.arange(customers.device_key.shape[1]) < customers.devices[:, None])
    keys = customers.device_key[customer, slot]
    _, place, uses = np.unique(keys, return_inverse=True, return_counts=True)
    ids = [customers.user_id(number) for number in customer.tolist()]
    return pa.table([fragments.anonymous_ids(keys), ids, uses[place] > 1], schema=IDENTITIES)


def _vectors(vectors: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float32).ravel()), vectors.shape[1])


def _dates(p: StoreParameters, days: np.ndarray) -> np.ndarray:
    """Days since the store's first one, as dates."""
    return np.datetime64(p.start, "D") + np.asarray(days).astype("timedelta64[D]")


def _customers(p: StoreParameters, customers: Customers) -> pa.Table:
    return pa.table(
        {
            "customer_id": [customers.user_id(number) for number in range(customers.size)],
            "identifies": customers.identifies,
            "taste": _vectors(customers.taste),
            "price_sensitivity": customers.price_sensitivity,
            "orders_per_day": customers.orders_per_day,
            "conversion": customers.conversion,
            "hazard_per_day": customers.hazard_per_day,
            "started_at": _dates(p, customers.start_day),
            "alive_until": _dates(p, customers.end_day),
            "country": [COUNTRIES[code] for code in customers.country],
            "channel": [CHANNELS[code] for code in customers.channel],
        }
    )


def _items(p: StoreParameters, catalogue: Catalogue) -> pa.Table:
    ids = np.array(catalogue.item_id)
    category = [CATEGORIES[code] for code in catalogue.category]
    return pa.table(
        {
            "item_id": ids,
            "taste": _vectors(catalogue.taste),
            "weight": catalogue.weight,
            "launched_on": _dates(p, catalogue.launch_day),
            "season_peak_day": [category.peak_day for category in category],
            "season_amplitude": [category.amplitude for category in category],
            "cycle_days": catalogue.cycle_days,
            "return_rate": catalogue.return_rate,
            "complements": pa.array(ids[catalogue.complements].tolist()),
            "neighbours": pa.array(ids[catalogue.neighbours].tolist()),
        }
    )


def _effects(p: StoreParameters) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {"effect": "promotion_lift", "key": "odds of choice", "value": p.promotion_lift},
        {"effect": "novelty_boost", "key": "weight", "value": p.novelty_boost},
        {"effect": "fade_factor", "key": f"last {p.fade_days} days", "value": p.fade_factor},
        {"effect": "store_season_amplitude", "key": f"peak day {STORE_PEAK_DAY}", "value": p.season_amplitude},
    ]
    weekdays = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    rows += [
        {"effect": "weekday_factor", "key": name, "value": factor}
        for name, factor in zip(weekdays, p.weekday_factors, strict=True)
    ]
    rows += [
        {"effect": "season_amplitude", "key": category.name, "value": category.amplitude} for category in CATEGORIES
    ]
    return pa.Table.from_pylist(rows)
