"""The amounts of one day's orders: goods, coupons, shipping and later refunds."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.basket import Basket
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import DAY_MS, EMAIL, Sessions

SHIPPING, FREE_SHIPPING_FROM = 4.9, 50.0
COUPON, COUPON_SHARE, COUPON_DISCOUNT = "THANKYOU10", 0.25, 0.1  # of orders in sessions that start from a newsletter


@dataclass(frozen=True)
class Orders:
    """Columns over the day's orders."""

    order_id: list[str]
    discount: np.ndarray  # by coupon
    shipping: np.ndarray
    revenue: np.ndarray  # goods less discount
    units: np.ndarray

    @property
    def count(self) -> int:
        return len(self.order_id)


@dataclass(frozen=True)
class Refund:
    """The refund of some lines, or the cancellation of the whole order, which has no lines."""

    order: int
    lines: tuple[int, ...]
    day: int
    at_ms: int


def price_orders(p: StoreParameters, day: Day, sessions: Sessions, basket: Basket, rng: np.random.Generator) -> Orders:
    """The amounts of each order."""
    count = len(basket.order_session)
    starts = basket.order_start[:-1]
    goods = np.add.reduceat(day.price[basket.item] * basket.quantity, starts) if count else np.zeros(0)
    units = np.add.reduceat(basket.quantity, starts) if count else np.zeros(0, dtype=np.int64)
    has_coupon = (sessions.channel[basket.order_session] == EMAIL) & (rng.random(count) < COUPON_SHARE)
    discount = np.round(np.where(has_coupon, COUPON_DISCOUNT * goods, 0.0), 2)
    return Orders(
        order_id=[f"{p.fingerprint}-{day.number:04d}-{number:05d}" for number in range(count)],
        discount=discount,
        shipping=np.where(goods >= FREE_SHIPPING_FROM, 0.0, SHIPPING),
        revenue=np.round(goods - discount, 2),
        units=units,
    )


def draw_refunds(
    p: StoreParameters, catalogue: Catalogue, day: Day, basket: Basket, rng: np.random.Generator
) -> list[Refund]:
    """The cancellations of the day's orders, which come the next day, and the refunds of some of their lines."""
    count = len(basket.order_session)
    cancelled = rng.random(count) < p.cancelled_share
    order_of = np.repeat(np.arange(count), np.diff(basket.order_start))
    returned = (rng.random(len(order_of)) < catalogue.return_rate[basket.item]) & ~cancelled[order_of]
    low, high = p.refund_delay_days
    delay = rng.integers(low, high + 1, count)
    at_ms = rng.integers(8 * DAY_MS // 24, 18 * DAY_MS // 24, count)
    refunds = [Refund(k, (), day.number + 1, int(at_ms[k])) for k in np.flatnonzero(cancelled).tolist()]
    for k in np.unique(order_of[returned]).tolist():
        first, last = basket.order_start[k], basket.order_start[k + 1]
        lines = tuple((first + np.flatnonzero(returned[first:last])).tolist())
        refunds.append(Refund(k, lines, day.number + int(delay[k]), int(at_ms[k])))
    return refunds
