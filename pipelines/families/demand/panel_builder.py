"""From events to the demand model's panel: sales, covariates, censored days, and units by period."""

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
from pipelines.families.demand.censoring import inferred_stock_outs, reported_stock_outs
from pipelines.families.demand.covariates import OUT_OF_STOCK, known_future, load_demand_calendar, price_cuts
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.demand.sales import Sales, Span, read_assortment, read_sales
from pipelines.families.family import TrainingData
from pipelines.features.demand import order_countries
from pipelines.features.public_holidays import country_code, public_holidays

ITEM: Final = "item"
CATEGORY: Final = "category"
CHANNEL: Final = "channel"
PRICE: Final = "price"
OBSERVED_SHARE: Final = 0.75  # a period is observed where so many of its days are
HORIZONS_NEEDED: Final = 2  # one to train on, one to calibrate on
REPORT_DELAY: Final = timedelta(days=1)  # today's stock may be reported just after the last event
_MONDAY: Final = np.datetime64("1970-01-05", "D")  # weeks are counted from it
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreDemand:
    """The demand of items that sold recently, up to the period of `as_of`, which is not over.

    A series is an item, or an item in a channel: `item` and `channel` (series,) are indices of the sorted `item_ids`
    and of `channels`, which is empty where items are forecast as a whole. `category` (items,) are indices of
    `categories`, -1 for none. `reported_stock_out` (items, periods) bool: the shop reported that the item was out of
    stock for more than a quarter of the period; `inferred_stock_out`: only improbable zeros show it.
    """

    panel: Panel
    item_ids: np.ndarray
    item: np.ndarray
    category: np.ndarray
    categories: tuple[str, ...]
    channel: np.ndarray
    channels: tuple[str, ...]
    reported_stock_out: np.ndarray
    inferred_stock_out: np.ndarray
    country: str | None

    @property
    def end(self) -> np.datetime64:
        """The first day that is forecast."""
        return self.panel.end

    @property
    def series_keys(self) -> np.ndarray:
        """Item id and channel of each series, (series, 2) text: the same at any cut-off."""
        channels = np.array(self.channels or ("",))
        return np.stack([self.item_ids[self.item], channels[self.channel]], axis=1)

    def aggregate_to_items(self, values: np.ndarray) -> np.ndarray:
        """Values of series (series, ...) added up to values of items, (items, ...)."""
        total = np.zeros((len(self.item_ids), *values.shape[1:]))
        np.add.at(total, self.item, values)
        return total


def store_demand(
    data: TrainingData, parameters: StoreDemandParameters, as_of: datetime, held_out_periods: int = 0
) -> StoreDemand:
    """Demand as it was known on the morning of `as_of`'s day.

    Raises NotEnoughData, whose message also counts the `held_out_periods` of a backtest. Raises SettingsError where the
    demand calendar is invalid or lacks a value that is needed.
    """
    told_by = as_of + REPORT_DELAY if as_of >= midnight(data.as_of) else as_of
    catalogue = data.catalogue_at(told_by)
    # Sales: which series, over which days.
    sales = read_sales(data.events, as_of, parameters.by_channel)
    span, starts = _span(sales, as_of, parameters)
    series = sales.active(max(span.end - _days(parameters.active_days), span.first), span.end)
    items, item = np.unique(sales.item_of(series), return_inverse=True)
    _check_enough(len(items), int((starts < span.days).sum()), held_out_periods, parameters)
    assortment = read_assortment(catalogue, sales.item_ids[items])
    units_of_items = units = sales.daily(sales.item, items, span)
    first_day_of_items = first_day = sales.first_day(sales.item, items, span)
    if parameters.by_channel:
        units, first_day = sales.daily(sales.series, series, span), sales.first_day(sales.series, series, span)
    channel, price = sales.channel_of(series), sales.mean_price(items)
    stock = assortment.stock(catalogue, told_by, span)
    # Known-future covariates.
    country = _country(data.events, as_of, parameters)
    holidays = None if country is None else public_holidays(country, span.first, span.width)
    calendar = load_demand_calendar(Path(parameters.calendar) if parameters.calendar else None)
    covariates = known_future(
        calendar, holidays, assortment, span, lambda: price_cuts(assortment.prices(data.events, as_of, span))
    )
    in_calendar = calendar.values(OUT_OF_STOCK, assortment.item_ids, assortment.categories, span.first, span.days) > 0
    # Censoring: days on which demand was not observed. A sale refutes a reported stock-out.
    reported = (reported_stock_outs(*stock, units_of_items) | in_calendar) & (units_of_items == 0)
    inferred = inferred_stock_outs(units_of_items, first_day_of_items, stock[0], parameters.false_alarms_per_item_year)
    is_observed = (np.arange(span.days) >= first_day[:, None]) & ~(reported | inferred)[item]
    # The panel, by period.
    category, categories = _codes(assortment.categories)
    panel = Panel(
        units=_sums(units, starts),
        is_observed=by_period(is_observed, starts) >= OBSERVED_SHARE,
        first=span.first,
        frequency=parameters.counted,
        future={name: _each_series(by_period(values, starts), item) for name, values in covariates.items()},
        attributes={PRICE: price[item]},
        groups={CATEGORY: category[item]} | ({ITEM: item, CHANNEL: channel} if parameters.by_channel else {}),
    )
    return StoreDemand(
        panel=panel,
        item_ids=assortment.item_ids,
        item=item,
        category=category,
        categories=categories,
        channel=channel,
        channels=sales.channels if parameters.by_channel else (),
        reported_stock_out=by_period(reported, starts) > 1 - OBSERVED_SHARE,
        inferred_stock_out=by_period(inferred & ~reported, starts) > 1 - OBSERVED_SHARE,
        country=country,
    )


def items_as_series(demand: StoreDemand) -> StoreDemand:
    """The same demand with one series per item, summed over channels."""
    panel = demand.panel
    _, first = np.unique(demand.item, return_index=True)  # covariates are the same in all channels of an item
    items = np.arange(len(demand.item_ids))
    return replace(
        demand,
        panel=Panel(
            units=demand.aggregate_to_items(panel.units).astype(np.float32),
            is_observed=demand.aggregate_to_items(panel.is_observed) > 0,
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


def by_period(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The mean of each period's days, (rows, periods) float32, from days (rows, days) that are whole periods.

    `starts` are the day numbers at which periods begin; those after the last day are left out.
    """
    starts = starts[starts < values.shape[1]]
    lengths = np.diff(np.append(starts, values.shape[1]))
    return (np.add.reduceat(values, starts, axis=1, dtype=np.float64) / lengths).astype(np.float32)


def midnight(instant: datetime) -> datetime:
    """The beginning of the instant's UTC day."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def period_start(day: np.datetime64, frequency: Frequency) -> np.datetime64:
    """The first day of the period that the day falls into; weeks begin on Mondays."""
    period = frequency.period(_MONDAY, np.asarray(day))
    return np.datetime64(frequency.date(_MONDAY, period).item(), "D")


def _span(sales: Sales, as_of: datetime, parameters: StoreDemandParameters) -> tuple[Span, np.ndarray]:
    """From the first whole period with sales, at most `history_days` back, to the last whole one.

    Also the day number, counted from the first, at which each period begins, those ahead included.
    """
    frequency = parameters.counted
    end = period_start(np.datetime64(as_of.date(), "D"), frequency)
    first = max(min(sales.date, default=end), end - _days(parameters.history_days))
    start = period_start(first, frequency)
    if start < first:
        start = np.datetime64(frequency.date(start, 1).item(), "D")
    start = min(start, end)
    ahead = (frequency.date(end, parameters.horizon_periods) - end).astype(int)
    span = Span(start, int((end - start).astype(int)), int(ahead))
    period = frequency.period(start, start + np.arange(span.width))
    return span, np.flatnonzero(np.diff(period, prepend=-1))


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
    order = [index for index in np.argsort(-counts, kind="stable") if values[index]]
    rank = np.full(len(values), -1)
    rank[order] = np.arange(len(order))
    return rank[codes], tuple(values[order].tolist())


def _each_series(values: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Values of items as values of series; values that all items share are stored once."""
    return np.broadcast_to(values, (len(item), values.shape[1])) if len(values) == 1 else values[item]


def _sums(units: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Units of days added up to periods, (rows, periods) float32."""
    starts = starts[starts < units.shape[1]]
    return np.add.reduceat(units, starts, axis=1, dtype=np.float64).astype(np.float32)


def _days(number: int) -> np.timedelta64:
    return np.timedelta64(number, "D")


def _check_enough(items: int, periods: int, held_out_periods: int, parameters: StoreDemandParameters) -> None:
    frequency = parameters.counted
    needed = HORIZONS_NEEDED * parameters.horizon_periods
    if periods >= needed and items >= parameters.min_items:
        return
    judged = f", {held_out_periods} of them to be judged on," if held_out_periods else ""
    raise NotEnoughData(
        f"demand needs {needed + held_out_periods} whole {frequency.name}s since the first order{judged} and "
        f"{parameters.min_items} items that sold; there are {periods + held_out_periods} {frequency.name}s and {items} "
        "items. Ingest older orders, or wait for new ones."
    )
