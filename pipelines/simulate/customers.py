"""The simulated store's customers: hidden tastes, rates and ends, and their devices."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.catalogue import Catalogue, unit
from pipelines.simulate.parameters import StoreParameters

COUNTRIES = ("DE", "GB", "FR", "NL", "AT", "US")
COUNTRY_SHARES = (0.34, 0.22, 0.16, 0.12, 0.1, 0.06)
DEVICE_TYPES = ("mobile", "desktop", "tablet")
DEVICE_SHARES = (0.58, 0.34, 0.08)
CHANNELS = ("direct", "organic", "cpc", "email", "social", "referral", "affiliate")
ACQUISITION_SHARES = (0.14, 0.3, 0.22, 0.04, 0.16, 0.08, 0.06)
# Factor on the hazard: customers won by advertisements leave sooner, which a churn model can use.
CHANNEL_HAZARD = (0.8, 0.9, 1.3, 0.8, 1.6, 0.6, 1.4)
DEVICES = 3
EMAIL_DOMAINS = ("example.com", "example.org")
STAPLES = 3
NOT_STATED = 8  # consent codes: bits analytics 1, personalization 2, marketing 4; 8: never answered
YEAR_BEFORE = 400  # days before the window in which customers may have started


@dataclass
class Customers:
    """Columns over customers. The last three change from day to day."""

    taste: np.ndarray  # (customers, dims) unit vectors
    price_sensitivity: np.ndarray
    orders_per_day: np.ndarray
    conversion: np.ndarray  # orders per session
    hazard_per_day: np.ndarray
    start_day: np.ndarray  # first day; below 0 for customers from before the window
    end_day: np.ndarray  # alive on days below it
    identifies: np.ndarray  # bool: ever sends its user id
    has_email: np.ndarray  # bool: sends its e-mail address when it identifies itself
    uses_alias: np.ndarray  # bool
    country: np.ndarray
    channel: np.ndarray  # of acquisition
    consent: np.ndarray  # code before the change
    consent_after: np.ndarray
    consent_change_day: np.ndarray  # after the window for customers who never change
    device_key: np.ndarray  # (customers, DEVICES) integers from which anonymous ids are made
    device_type: np.ndarray  # (customers, DEVICES)
    devices: np.ndarray  # how many of them it uses
    shares_device: np.ndarray  # bool: its second device is another customer's first
    staples: np.ndarray  # (customers, STAPLES) items, -1 for none
    staple_due: np.ndarray  # (customers, STAPLES) day from which each is wanted again
    logged_in: np.ndarray  # (customers, DEVICES) bool
    aliased: np.ndarray  # bool: has sent its alias event

    @property
    def size(self) -> int:
        return len(self.taste)

    def user_id(self, customer: int) -> str:
        return f"C{100_000 + customer}"

    def email(self, customer: int) -> str | None:
        """An address of a domain that is reserved for examples (RFC 2606), or None."""
        domain = EMAIL_DOMAINS[customer % len(EMAIL_DOMAINS)]
        return f"{self.user_id(customer).lower()}@{domain}" if self.has_email[customer] else None

    def alive(self, day: int) -> np.ndarray:
        return (self.start_day <= day) & (day < self.end_day)

    def consent_on(self, customers: np.ndarray, day: int) -> np.ndarray:
        changed = self.consent_change_day[customers] <= day
        return np.where(changed, self.consent_after[customers], self.consent[customers])


def draw_customers(parameters: StoreParameters, catalogue: Catalogue) -> Customers:
    """The store's customers, by its seed."""
    p, n = parameters, parameters.customers
    rng = np.random.default_rng([p.seed, 3])
    channel = rng.choice(len(CHANNELS), n, p=ACQUISITION_SHARES)
    hazard = rng.gamma(p.hazard_shape, p.hazard_per_day_mean / p.hazard_shape, n) * np.array(CHANNEL_HAZARD)[channel]
    start = _start_days(p, rng)
    # A customer from before the window is alive when it begins, so the lifetime starts at day 0 or later.
    end = start.clip(0) + 1 + np.floor(rng.exponential(1 / hazard)).clip(max=100_000).astype(np.int64)
    taste = unit(rng.normal(size=(n, p.taste_dims)))
    staples = _staples(p, catalogue, taste, start, rng)
    consent, consent_after, change_day = _consents(p, rng)
    shares = rng.random(n) < (p.shared_device_share if n > 1 else 0.0)
    identifies = rng.random(n) >= p.never_identifies_share
    return Customers(
        taste=taste,
        price_sensitivity=rng.gamma(2.0, 0.5, n),
        orders_per_day=rng.gamma(p.orders_per_day_shape, p.orders_per_day_mean / p.orders_per_day_shape, n),
        conversion=rng.beta(6 * p.conversion_mean, 6 * (1 - p.conversion_mean), n).clip(0.05, 0.9),
        hazard_per_day=hazard,
        start_day=start,
        end_day=end,
        identifies=identifies,
        has_email=np.random.default_rng([p.seed, 7]).random(n) < p.email_share,
        uses_alias=rng.random(n) < p.alias_share,
        country=rng.choice(len(COUNTRIES), n, p=COUNTRY_SHARES),
        channel=channel,
        consent=consent,
        consent_after=consent_after,
        consent_change_day=change_day,
        device_key=_device_keys(shares, rng),
        device_type=rng.choice(len(DEVICE_TYPES), (n, DEVICES), p=DEVICE_SHARES),
        devices=np.where(shares, 2, rng.choice([1, 2, 3], n, p=[0.66, 0.26, 0.08])),
        shares_device=shares,
        staples=staples,
        staple_due=start.clip(0)[:, None] + rng.uniform(0, 40, staples.shape),
        logged_in=(identifies & (start < 0) & (rng.random(n) < 0.6))[:, None] & (np.arange(DEVICES) == 0),
        aliased=np.zeros(n, dtype=bool),
    )


def _start_days(parameters: StoreParameters, rng: np.random.Generator) -> np.ndarray:
    n = parameters.customers
    existing = rng.random(n) < parameters.existing_share
    return np.where(existing, -rng.integers(1, YEAR_BEFORE, n), rng.integers(0, parameters.days, n))


def _staples(
    p: StoreParameters, catalogue: Catalogue, taste: np.ndarray, start: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Each customer's consumables: of a few that were on sale at the start, the nearest to the taste."""
    consumables = np.flatnonzero(catalogue.cycle_days > 0)
    weight = np.cumsum(catalogue.weight[consumables])
    shape = (p.customers, STAPLES, 6)
    drawn = consumables[np.searchsorted(weight, rng.random(shape) * weight[-1]).clip(max=len(consumables) - 1)]
    affinity = p.item_taste * np.einsum("nd,nscd->nsc", taste, catalogue.taste[drawn])
    affinity[catalogue.launch_day[drawn] > start.clip(0)[:, None, None]] = -np.inf
    best = affinity.argmax(axis=2)[..., None]
    chosen = np.take_along_axis(drawn, best, axis=2)[..., 0]
    has = np.isfinite(np.take_along_axis(affinity, best, axis=2)[..., 0]) & (rng.random(chosen.shape) < p.staple_chance)
    return np.where(has, chosen, -1)


def _consents(p: StoreParameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = p.customers
    consent = np.where(rng.random(n) < p.no_answer_share, NOT_STATED, draw_consents(p, n, rng))
    changes = rng.random(n) < p.changes_mind_share
    # Only the bit of marketing changes.
    after = np.where(consent == NOT_STATED, draw_consents(p, n, rng), consent ^ 4)
    return consent, after, np.where(changes, rng.integers(1, p.days + 1, n), p.days + 1)


def draw_consents(p: StoreParameters, count: int, rng: np.random.Generator) -> np.ndarray:
    """Consent codes (count,) of people who answered."""
    agrees = rng.random((3, count)) >= np.array(
        [[p.refuses_analytics_share], [p.refuses_personalization_share], [p.refuses_marketing_share]]
    )
    return agrees[0] * 1 + agrees[1] * 2 + agrees[2] * 4


def _device_keys(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = len(shares)
    keys = np.arange(n * DEVICES, dtype=np.int64).reshape(n, DEVICES)
    partner = (np.arange(n) + rng.integers(1, max(n, 2), n)) % n
    keys[shares, 1] = keys[partner[shares], 0]
    return keys
