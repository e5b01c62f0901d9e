"""Sales as arrays: units by day, first days, prices and channels, by hand."""

import ibis
import numpy as np

from contracts import columns as c
from pipelines.families.demand.sales import MAX_CHANNELS, OTHER_CHANNELS, Span, read_sales
from tests.worlds import day, events_table, order

ROWS = [
    *order("ann", 1.5, {"jam": 2, "tea": 1}, price=10.0, **{c.CHANNEL: "email"}),
    *order("bob", 3.5, {"tea": 3}, price=20.0, **{c.CHANNEL: "search"}),
    *order("bob", 9.5, {"tea": 9}),
]
EVENTS = ibis.memtable(events_table(ROWS))
FIRST = np.datetime64(day(0).date())
SPAN = Span(FIRST + 1, 4, 0)


def test_units_by_day_prices_and_first_days() -> None:
    sales = read_sales(EVENTS, day(9), by_channel=False)
    assert sales.item_ids.tolist() == ["jam", "tea"]
    items = np.arange(2)
    np.testing.assert_array_equal(sales.daily(sales.item, items, SPAN), [[2, 0, 0, 0], [1, 0, 3, 0]])
    np.testing.assert_array_equal(sales.daily(sales.item, np.array([1]), SPAN), [[1, 0, 3, 0]])
    assert sales.first_day(sales.item, items, Span(FIRST, 4, 0)).tolist() == [1, 1]
    assert sales.first_day(sales.item, items, Span(FIRST + 3, 4, 0)).tolist() == [0, 0]
    np.testing.assert_allclose(sales.mean_price(items), [10, (10 + 3 * 20) / 4])


def test_only_series_that_sold_in_the_window_are_active() -> None:
    sales = read_sales(EVENTS, day(9), by_channel=False)
    assert sales.active(FIRST + 2, FIRST + 9).tolist() == [1]
    assert sales.active(FIRST, FIRST + 9).tolist() == [0, 1]


def test_a_series_is_an_item_in_a_channel() -> None:
    sales = read_sales(EVENTS, day(9), by_channel=True)
    assert sales.channels == ("email", "search")
    series = sales.active(FIRST, FIRST + 9)
    assert list(zip(sales.item_of(series), sales.channel_of(series), strict=True)) == [(0, 0), (1, 0), (1, 1)]


def test_the_smallest_of_many_channels_become_one() -> None:
    rows = [
        line
        for number in range(MAX_CHANNELS + 3)
        for line in order("ann", 1.5, {"tea": number + 1}, order_id=str(number), channel=f"channel-{number:02d}")
    ]
    sales = read_sales(ibis.memtable(events_table(rows)), day(9), by_channel=True)
    assert len(sales.channels) == MAX_CHANNELS
    assert (sales.channels[0], sales.channels[-1]) == (f"channel-{MAX_CHANNELS + 2}", OTHER_CHANNELS)
    assert sales.units[sales.channel == MAX_CHANNELS - 1].sum() == 1 + 2 + 3 + 4
