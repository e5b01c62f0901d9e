"""Simulate a store from its first day to its last; write its events, its catalogue and the truth."""

import csv
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from contracts import columns as c
from contracts.errors import InputError
from contracts.progress import Progress, silent
from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.parameters import MIN_ITEMS, StoreParameters
from pipelines.simulate.promotion_plan import write_promotion_plan
from pipelines.simulate.store import Store

STEP = "simulating"
# Measured with the default effects; they set the size of a store with a given number of events.
EVENTS_PER_ACTIVE_DAY = 0.5
ITEMS_AT_100K_EVENTS = 170
STOCK_COVER_DAYS = (10, 60)


@dataclass(frozen=True)
class Simulated:
    """What was written."""

    events: int
    orders: int
    customers: int
    items: int
    days: int
    events_path: Path
    catalogue_path: Path
    calendar_path: Path
    truth_path: Path


def parameters_for(events: int, days: int = StoreParameters.days, seed: int = StoreParameters.seed) -> StoreParameters:
    """The parameters of a store with about that many events: customers grow with them, items with their square root."""
    if events < 1:
        raise InputError(f"events = {events}; give a number above 0, for example 100000.")
    customers = max(1, round(events / (EVENTS_PER_ACTIVE_DAY * _active_days(StoreParameters(days=days)))))
    items = max(MIN_ITEMS, round(ITEMS_AT_100K_EVENTS * (events / 1e5) ** 0.5))
    return StoreParameters(customers=customers, items=items, days=days, seed=seed)


def simulate(p: StoreParameters, folder: Path, compress: bool = False, progress: Progress = silent) -> Simulated:
    """Write events.jsonl (or .jsonl.gz), catalogue.csv, demand_calendar.csv and truth/ into `folder`.

    Earlier files are replaced. Memory is bounded by customers and by items x days: events are written day by day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = ("events.jsonl.gz", "events.jsonl") if compress else ("events.jsonl", "events.jsonl.gz")
    (folder / names[1]).unlink(missing_ok=True)  # of an earlier run
    store = Store(p, folder / "truth")
    with _opened(folder / names[0], compress) as file:
        for number, lines in enumerate(store.days(), 1):
            file.write(lines)
            progress(STEP, number, p.days)
    store.write_truth()
    _write_catalogue(store, folder / "catalogue.csv")
    write_promotion_plan(p, store.catalogue, store.calendar, folder / "demand_calendar.csv")
    return Simulated(
        events=store.events,
        orders=store.ledger.orders,
        customers=p.customers,
        items=p.items,
        days=p.days,
        events_path=folder / names[0],
        catalogue_path=folder / "catalogue.csv",
        calendar_path=folder / "demand_calendar.csv",
        truth_path=folder / "truth",
    )


def _active_days(p: StoreParameters) -> float:
    """On how many days of the window a customer is alive, on average: survival under a gamma-mixed hazard."""
    age = np.arange(p.days)
    survival = (1 + p.hazard_per_day_mean * age / p.hazard_shape) ** -p.hazard_shape
    from_the_start = survival.sum()
    during = (survival * (1 - age / p.days)).sum()
    return float(p.existing_share * from_the_start + (1 - p.existing_share) * during)


@contextmanager
def _opened(path: Path, compress: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as plain:
        if not compress:
            yield plain
            return
        # No name and no time in the header: the same store gives the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=plain, compresslevel=3, mtime=0) as packed:
            yield cast(BinaryIO, packed)


def _write_catalogue(store: Store, path: Path) -> None:
    p, catalogue = store.parameters, store.catalogue
    updated_at = p.start_at + timedelta(days=p.days)
    stock = _stock(store)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, c.CATALOGUE.names, lineterminator="\n")
        writer.writeheader()
        for item in range(catalogue.size):
            launched_at = p.start_at + timedelta(days=int(catalogue.launch_day[item]))
            writer.writerow(
                {
                    c.ITEM_ID: catalogue.item_id[item],
                    c.ITEM_NAME: catalogue.name[item],
                    c.ITEM_CATEGORY: CATEGORIES[catalogue.category[item]].name,
                    c.ITEM_BRAND: catalogue.brand[item],
                    c.PRICE: catalogue.price[item],
                    c.STOCK: int(stock[item]),
                    c.AVAILABLE_FROM: launched_at.isoformat(),
                    c.UPDATED_AT: updated_at.isoformat(),
                }
            )


def _stock(store: Store) -> np.ndarray:
    """Units in stock after the last day (items,): the demand of some days, none during a stock-out."""
    p = store.parameters
    rng = np.random.default_rng([p.seed, 5])
    days_on_sale = p.days - store.catalogue.launch_day
    per_day = store.ledger.wanted.sum(axis=0) / days_on_sale
    units = 3 + np.round(per_day * rng.uniform(*STOCK_COVER_DAYS, p.items))
    return np.where(store.calendar.out_of_stock[-1], 0, units)
