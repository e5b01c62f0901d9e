"""Stores whose demand is planted: Poisson units around rates that the test chose, told as order events."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import TrainingData
from tests.worlds import DAY_ZERO, day, events_table, order, view

PRICE = 10.0
CUT = 0.2
SMALL = {"max_training_rows": 8_000, "rounds": 60}
WEEKEND = np.array([1, 1, 1, 1, 1, 3, 3])
CATEGORIES = ("tea", "jam", None)


def weekdays(days: int) -> np.ndarray:
    """The weekday of each day, Monday 0."""
    return (np.arange(days) + DAY_ZERO.weekday()) % 7


def item_id(number: int) -> str:
    return f"item-{number:02d}"


def rates(items: int, days: int) -> np.ndarray:
    """Weekends sell three times as much. (items, days)"""
    return np.geomspace(1, 30, items)[:, None] * WEEKEND[weekdays(days)]


def sales(rate: np.ndarray, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate)


def training_data(
    units: np.ndarray,
    as_of: float,
    promoted: np.ndarray | None = None,
    stock: Sequence[float | None] | None = None,
    told_at: float = 1000,
    channels: Sequence[str] = (),
    more: Sequence[dict[str, Any]] = (),
    **parameters: Any,
) -> TrainingData:
    """A store that sold `units` (items, days), or (channels, items, days); `promoted` (items, days) bool cuts prices.

    On every day a customer looks at every item, so that its price is seen.
    """
    layers = units if units.ndim == 3 else units[None]
    cut = np.zeros(layers.shape[1:], dtype=bool) if promoted is None else promoted
    rows: list[dict[str, Any]] = list(more)
    for layer, of_channel in enumerate(layers):
        said = {c.CHANNEL: channels[layer]} if channels else {}
        for number, of_day in enumerate(of_channel.T):
            for price, chosen in ((PRICE, ~cut[:, number]), (PRICE * (1 - CUT), cut[:, number])):
                items = {item_id(item): float(of_day[item]) for item in np.flatnonzero((of_day > 0) & chosen)}
                rows += order(f"{layer}-{price:g}", number + 0.5, items, price=price, **said) if items else []
    if promoted is not None:
        rows += [view("b", d + 0.1, item_id(i), **{c.PRICE: PRICE * (1 - CUT)}) for i, d in np.argwhere(promoted)]
        rows += [view("b", d + 0.1, item_id(i), **{c.PRICE: PRICE}) for i, d in np.argwhere(~promoted)]
    items = layers.shape[1]
    catalogue = [
        dict.fromkeys(c.CATALOGUE.names)
        | {c.ITEM_ID: item_id(item), c.ITEM_CATEGORY: CATEGORIES[item % 3], c.UPDATED_AT: day(told_at)}
        | ({c.STOCK: stock[item]} if stock else {})
        for item in range(items)
    ]
    described = [item | {c.UPDATED_AT: day(0), c.STOCK: None} for item in catalogue]  # told before it ever sold
    return TrainingData(
        events=ibis.memtable(events_table(rows)),
        catalogue=ibis.memtable(pa.Table.from_pylist(catalogue, schema=c.CATALOGUE)),
        described_items=ibis.memtable(pa.Table.from_pylist(described + catalogue, schema=c.CATALOGUE)),
        as_of=day(as_of),
        parameters=StoreDemandParameters(**{**SMALL, **parameters}),
        threads=1,
    )


def calendar_file(folder: Path, *rows: tuple[float, float, int | None, str, float]) -> str:
    """A demand calendar with rows of first day, last day, item (None: all), covariate and value; its path."""
    path = folder / "calendar.csv"
    lines = ["date,until,item_id,covariate,value"]
    lines += [
        f"{day(first):%Y-%m-%d},{day(last):%Y-%m-%d},{'' if item is None else item_id(item)},{name},{value}"
        for first, last, item, name, value in rows
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)
