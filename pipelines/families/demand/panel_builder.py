"""A store's demand as the demand model reads it: units wanted of the active items per period, and what was not seen."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import ibis
import numpy as np

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.demand.frequency import Frequency
from models.demand.panel import Panel
from pipelines.families.demand.censoring import improbable_zeros, told_empty
from pipelines.families.demand.covariate_calendar import OUT_OF_STOCK, load_demand_calendar
from pipelines.families.demand.covariates import by_period, known_future, period_starts
from pipelines.families.demand.item_attributes import Span, read_shelf
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.demand.promotions import price_cuts
from pipelines.families.demand.sales import Sales, read_sales
from pipelines.families.family import TrainingData
from pipelines.features.demand import order_countries
from pipelines.features.public_holidays import country_code

ITEM: Final = "item"
CATEGORY: Final = "category"
CHANNEL: Final = "channel"
PRICE: Final = "price"
SEEN_SHARE: Final = 0.75  # a period counts as seen where so many of its days were
HORIZONS_NEEDED: Final = 2  # one to learn from, one to calibrate on
TOLD_LATE: Final = timedelta(days=1)  # a catalogue is read just after the last event, and says how the shelf stands
_MONDAY: Final = np.datetime64("1970-01-05", "D")  # weeks are counted from it
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreDemand:
    """The demand of what sold lately, up to the period of `as_of`, which is not over.

    A series is an item, or an item in a channel: `item` and `channel` (series,) count in the sorted `item_ids` and in
    `channels`, which is empty where channels are not told apart. `category` (items,) counts in `categories`, -1 for
    none.
    `told_empty` (items, periods): the shop said that the item was out of stock for more than a quarter of the period;
    `found_empty`: only zeros that chance cannot explain say so.
    """

    panel: Panel
    item_ids: np.ndarray
    item: np.ndarray
    category: np.ndarray
    categories: tuple[str, ...]
    channel: np.ndarray
    channels: tuple[str, ...]
    told_empty: np.ndarray
    found_empty: np.ndarray
    country: str | None

    @property
    def end(self) -> np.datetime64:
        """The first day that is forecast."""
        return self.panel.end

    @property
    def series_keys(self) -> np.ndarray:
        """Item id and channel of each series, (series, 2) text: its name at any point in time."""
        channels = np.array(self.channels or ("",))
        keys: np.ndarray = np.stack([self.item_ids[self.item], channels[self.channel]], axis=1)
        return keys

    def of_items(self, values: np.ndarray) -> np.ndarray:
        """Values of series (series, ...) added up to values of items, (items, ...)."""
        total = np.zeros((len(self.item_ids), *values.shape[1:]))
        np.add.at(total, self.item, values)
        return total


def of_items(demand: StoreDemand) -> StoreDemand:
    """The same demand with one series per item, as if channels had not been told apart."""
    if not demand.channels:
        return demand
    panel = demand.panel
    _, first = np.unique(demand.item, return_index=True)  # what is known ahead is alike in all channels of an item
    items = np.arange(len(demand.item_ids))
    return replace(
        demand,
        panel=Panel(
            units=demand.of_items(panel.units).astype(np.float32),
            is_known=demand.of_items(panel.is_known) > 0,
            first=panel.first,
            frequency=panel.frequency,
            future={name: values[first] for name, values in panel.future.items()},
            attributes={name: values[first] for name, values in panel.attributes.items()},
            groups={CATEGORY: demand.category},
        ),
        item=items,
        channel=np.zeros(len(items), dtype=np.int64),
        channels=(),
    )


def midnight(instant: datetime) -> datetime:
    """The beginning of the instant's UTC day."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def period_start(day: np.datetime64, frequency: Frequency) -> np.datetime64:
    """The first day of the period that the day falls into; weeks begin on Mondays."""
    period = frequency.period(_MONDAY, np.asarray(day))
    return np.datetime64(frequency.date(_MONDAY, period).item(), "D")


def store_demand(
    data: TrainingData, parameters: StoreDemandParameters, as_of: datetime, held_out_periods: int = 0
) -> StoreDemand:
    """Demand as it was known on the morning of `as_of`'s day.

    Raises NotEnoughData; `held_out_periods`, which are needed besides, only serve its message. Raises SettingsError
    where the demand calendar cannot be read, or lacks a value that is needed.
    """
    frequency = parameters.counted
    sales = read_sales(data.events, as_of, parameters.by_channel)
    span = _span(sales, as_of, parameters)
    end = span.date(span.days)
    series = sales.active(max(end - _days(parameters.active_days), span.first), end)
    items, item = np.unique(sales.item_of(series), return_inverse=True)
    _check_enough(len(items), span, held_out_periods, parameters)
    shelf = read_shelf(data.catalogue, sales.item_ids[items])
    calendar = load_demand_calendar(Path(parameters.calendar) if parameters.calendar else None)
    by_item = sales.daily(sales.item, items, span)
    stock, told_on = shelf.stock(data.catalogue, as_of + TOLD_LATE, span)
    recalled = calendar.values(OUT_OF_STOCK, shelf.item_ids, shelf.categories, span.first, span.days) > 0
    told = (told_empty(stock, told_on, by_item) | recalled) & (by_item == 0)  # a sale refutes both
    since = sales.first_day(sales.item, items, span)
    found = improbable_zeros(by_item, since, stock, parameters.false_alarms_per_item_year)
    country = _country(data.events, as_of, parameters)

    def cuts() -> np.ndarray:
        return price_cuts(shelf.prices(data.events, as_of, span))

    covariates = known_future(calendar, country, shelf, span, cuts)
    seen = np.arange(span.days) >= sales.first_day(sales.series, series, span)[:, None]
    seen &= ~(told | found)[item]
    category, categories = _codes(shelf.categories)
    channel = sales.channel_of(series)
    panel = Panel(
        units=_sums(sales.daily(sales.series, series, span), span, frequency),
        is_known=by_period(seen, span.first, frequency) >= SEEN_SHARE,
        first=span.first,
        frequency=frequency,
        future={name: _each_series(by_period(v, span.first, frequency), item) for name, v in covariates.items()},
        attributes={PRICE: sales.mean_price(items)[item]},
        groups={CATEGORY: category[item]} | ({ITEM: item, CHANNEL: channel} if parameters.by_channel else {}),
    )
    return StoreDemand(
        panel=panel,
        item_ids=shelf.item_ids,
        item=item,
        category=category,
        categories=categories,
        channel=channel,
        channels=sales.channels if parameters.by_channel else (),
        told_empty=by_period(told, span.first, frequency) > 1 - SEEN_SHARE,
        found_empty=by_period(found & ~told, span.first, frequency) > 1 - SEEN_SHARE,
        country=country,
    )


def _span(sales: Sales, as_of: datetime, parameters: StoreDemandParameters) -> Span:
    """From the first whole period with sales, as far back as it is looked at, to the last whole one."""
    frequency = parameters.counted
    end = period_start(np.datetime64(as_of.date(), "D"), frequency)
    first = max(min(sales.date, default=end), end - _days(parameters.history_days))
    start = period_start(first, frequency)
    if start < first:
        start = np.datetime64(frequency.date(start, 1).item(), "D")
    start = min(start, end)
    ahead = (frequency.date(end, parameters.horizon_periods) - end).astype(int)
    return Span(start, int((end - start).astype(int)), int(ahead))


def _country(events: ibis.Table, as_of: datetime, parameters: StoreDemandParameters) -> str | None:
    """The code of the country whose holidays count: the parameter, else where most orders come from."""
    if parameters.country is not None:
        return country_code(parameters.country)
    counted = order_countries(events, as_of).order_by([ibis.desc(c.ORDERS), c.COUNTRY]).to_pyarrow()
    names = counted[c.COUNTRY].to_pylist()
    country = country_code(names[0]) if names else None
    if country is None:
        why = f"no country is known as {names[0]!r}" if names else "no order says a country"
        log.info("demand: no public holidays, as %s; set `country` to the store's", why)
    else:
        log.info("demand: public holidays of %s, where most orders come from; set `country` for another", country)
    return country


def _codes(names: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes by falling number of items, -1 for a blank name, and the names behind them."""
    values, codes, counts = np.unique(names, return_inverse=True, return_counts=True)
    order = [place for place in np.argsort(-counts, kind="stable") if values[place]]
    rank = np.full(len(values), -1)
    rank[order] = np.arange(len(order))
    return rank[codes], tuple(values[order].tolist())


def _each_series(values: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Values of items as values of series; what is alike for all is stored once."""
    return np.broadcast_to(values, (len(item), values.shape[1])) if len(values) == 1 else values[item]


def _sums(units: np.ndarray, span: Span, frequency: Frequency) -> np.ndarray:
    """Units of days added up to periods, (rows, periods) float32."""
    starts = period_starts(span.first, span.days, frequency)
    sums: np.ndarray = np.add.reduceat(units, starts, axis=1, dtype=np.float64).astype(np.float32)
    return sums


def _days(number: int) -> np.timedelta64:
    return np.timedelta64(number, "D")


def _check_enough(items: int, span: Span, held_out_periods: int, parameters: StoreDemandParameters) -> None:
    frequency = parameters.counted
    periods = int(frequency.period(span.first, np.asarray(span.date(span.days))))
    needed = HORIZONS_NEEDED * parameters.horizon_periods
    if periods >= needed and items >= parameters.min_items:
        return
    judged = f", {held_out_periods} of them to be judged on," if held_out_periods else ""
    raise NotEnoughData(
        f"demand needs {needed + held_out_periods} whole {frequency.name}s since the first order{judged} and "
        f"{parameters.min_items} items that sold; there are {periods + held_out_periods} {frequency.name}s and {items} "
        "items. Ingest older orders, or wait for new ones."
    )
