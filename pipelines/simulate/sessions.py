"""The sessions of one day: whose they are, on which device, through which channel, and whether they buy."""

from dataclasses import dataclass

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import unit
from pipelines.simulate.customers import (
    ACQUISITION_SHARES,
    CHANNELS,
    COUNTRIES,
    COUNTRY_SHARES,
    DEVICE_SHARES,
    DEVICE_TYPES,
    NOT_STATED,
    Customers,
    draw_consents,
)
from pipelines.simulate.parameters import StoreParameters

WALK_IN = -1
WALK_IN_KEY = 1 << 40  # walk-ins' device keys start here, above every customer's
WALK_INS_A_DAY = 1 << 20
RETURNING_SHARES = (0.34, 0.2, 0.1, 0.22, 0.06, 0.05, 0.03)
EMAIL = CHANNELS.index("email")
# When sessions begin: a weight per hour, UTC.
HOUR_WEIGHTS = np.array([2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 11, 10, 9, 9, 9, 10, 12, 14, 15, 14, 10, 5], dtype=float)
NO_LOGIN, LOGIN_AT_START, LOGIN_AT_CHECKOUT = 0, 1, 2
DAY_MS = SECONDS_PER_DAY * 1_000


@dataclass(frozen=True)
class Sessions:
    """Columns over the sessions of one day, customers first, then walk-ins."""

    customer: np.ndarray  # WALK_IN: none
    slot: np.ndarray  # which of the customer's devices
    device_key: np.ndarray
    taste: np.ndarray  # (sessions, dims) of the customer, with a deviation of the session
    price_sensitivity: np.ndarray
    buys: np.ndarray  # bool
    start_ms: np.ndarray  # of the day
    channel: np.ndarray
    country: np.ndarray
    device_type: np.ndarray
    consent: np.ndarray
    known: np.ndarray  # bool: carries the user id from its first event
    login: np.ndarray  # NO_LOGIN, LOGIN_AT_START or LOGIN_AT_CHECKOUT
    by_alias: np.ndarray  # bool: the login is an alias event
    expected_orders: float  # of the day, before the draw

    @property
    def count(self) -> int:
        return len(self.customer)


def draw_sessions(p: StoreParameters, customers: Customers, day: Day, rng: np.random.Generator) -> Sessions:
    """The sessions of one day; records in `customers` who has logged in on which device."""
    chance, buy_chance = session_chances(p, customers, day)
    who = np.flatnonzero(rng.random(customers.size) < chance)
    walk_ins = int(rng.poisson(chance.sum() * p.walk_in_share / (1 - p.walk_in_share)))
    mine = _customer_sessions(p, customers, day, who, rng.random(len(who)) < buy_chance[who], rng)
    theirs = _walk_in_sessions(p, day, walk_ins, rng)
    columns = {name: np.concatenate([mine[name], theirs[name]]) for name in mine}
    count = len(who) + walk_ins
    mood = p.visit_mood * unit(rng.normal(size=(count, p.taste_dims)))
    columns["taste"] = columns["taste"] + mood
    return Sessions(**columns, start_ms=_start_times(count, rng), expected_orders=float((chance * buy_chance).sum()))


def session_chances(p: StoreParameters, customers: Customers, day: Day) -> tuple[np.ndarray, np.ndarray]:
    """The chances that each customer has a session on this day, and that it orders if so (customers,)."""
    alive = customers.alive(day.number)
    rate = customers.orders_per_day / customers.conversion * day.traffic
    rate = np.where(customers.end_day - day.number <= p.fade_days, rate * p.fade_factor, rate)
    due = ((customers.staples >= 0) & (customers.staple_due <= day.number)).any(axis=1)
    planned = p.staple_visit_chance * day.traffic * due  # sessions for a staple that is due; most of them buy
    chance = np.where(alive, 1 - np.exp(-rate - planned), 0.0)
    return chance, (rate * customers.conversion + 0.85 * planned) / (rate + planned).clip(1e-12)


def _customer_sessions(
    p: StoreParameters, customers: Customers, day: Day, who: np.ndarray, buys: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    slot = np.minimum((rng.random(len(who)) ** 1.6 * customers.devices[who]).astype(int), customers.devices[who] - 1)
    consent = customers.consent_on(who, day.number)
    first = customers.start_day[who] == day.number
    channel = np.where(first, customers.channel[who], rng.choice(len(CHANNELS), len(who), p=RETURNING_SHARES))
    channel[(channel == EMAIL) & (consent & 4 == 0)] = 0  # no newsletter without consent
    known, login = _logins(p, customers, who, slot, buys, rng)
    by_alias = (login != NO_LOGIN) & customers.uses_alias[who] & ~customers.aliased[who]
    customers.aliased[who[by_alias]] = True
    return {
        "customer": who,
        "slot": slot,
        "device_key": customers.device_key[who, slot],
        "taste": customers.taste[who],
        "price_sensitivity": customers.price_sensitivity[who],
        "buys": buys,
        "channel": channel,
        "country": customers.country[who],
        "device_type": customers.device_type[who, slot],
        "consent": consent,
        "known": known,
        "login": login,
        "by_alias": by_alias,
    }


def _logins(
    p: StoreParameters,
    customers: Customers,
    who: np.ndarray,
    slot: np.ndarray,
    buys: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    draws = rng.random((3, len(who)))
    known = customers.logged_in[who, slot] & (draws[0] < p.stays_logged_in_chance)
    free = customers.identifies[who] & ~known
    at_start = free & (draws[1] < p.login_chance)
    at_checkout = free & ~at_start & buys & (draws[2] < p.login_at_checkout_chance)
    login = np.where(at_start, LOGIN_AT_START, np.where(at_checkout, LOGIN_AT_CHECKOUT, NO_LOGIN))
    customers.logged_in[who, slot] |= login != NO_LOGIN
    return known, login


def _walk_in_sessions(p: StoreParameters, day: Day, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    no, zero = np.zeros(count, dtype=bool), np.zeros(count, dtype=np.int64)
    answered = rng.random(count) < 0.6
    return {
        "customer": np.full(count, WALK_IN),
        "slot": zero,
        "device_key": WALK_IN_KEY + day.number * WALK_INS_A_DAY + np.arange(count),
        "taste": unit(rng.normal(size=(count, p.taste_dims))),
        "price_sensitivity": rng.gamma(2.0, 0.5, count),
        "buys": rng.random(count) < p.walk_in_conversion,
        "channel": rng.choice(len(CHANNELS), count, p=ACQUISITION_SHARES),
        "country": rng.choice(len(COUNTRIES), count, p=COUNTRY_SHARES),
        "device_type": rng.choice(len(DEVICE_TYPES), count, p=DEVICE_SHARES),
        "consent": np.where(answered, draw_consents(p, count, rng), NOT_STATED),
        "known": no,
        "login": zero,
        "by_alias": no,
    }


def _start_times(count: int, rng: np.random.Generator) -> np.ndarray:
    hours = rng.choice(24, count, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    return ((hours + rng.random(count)) * 3_600_000).astype(np.int64)
