"""The parameters of a simulated store: the effects that are planted in it, which a model should find."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b

from contracts.errors import InputError
from pipelines.simulate.assortment import CATEGORIES

MIN_ITEMS = len(CATEGORIES)


@dataclass(frozen=True)
class StoreParameters:
    """A store's size, customers and effects. The same parameters give the same bytes."""

    customers: int = 600
    items: int = 150
    days: int = 540
    start: date = date(2024, 1, 1)
    seed: int = 7

    # Taste: item choice is proportional to weight x exp(strength x affinity), affinity being an inner product.
    taste_dims: int = 8
    category_taste: float = 5.0
    item_taste: float = 7.0
    visit_mood: float = 0.45  # how far one session's taste deviates from the customer's
    price_weight: float = 0.5
    popularity_spread: float = 1.3  # sigma of the log of item weights

    # Customers: purchases come at a personal rate (gamma) until an unobserved end (exponential), as in Pareto/NBD.
    orders_per_day_mean: float = 0.0135
    orders_per_day_shape: float = 0.65
    hazard_per_day_mean: float = 1 / 200
    hazard_shape: float = 1.5
    fade_days: int = 35  # days before the end in which sessions are fewer
    fade_factor: float = 0.45
    conversion_mean: float = 0.35
    existing_share: float = 0.45  # customers from before the window; the others arrive during it
    staple_chance: float = 0.17  # per place on a customer's list of staples
    staple_visit_chance: float = 0.08  # per day, once one of them is due

    # Identity.
    walk_in_share: float = 0.3  # of sessions: people with one session who never log in
    walk_in_conversion: float = 0.04
    never_identifies_share: float = 0.12
    email_share: float = 0.85  # of customers who identify themselves: they send an e-mail address
    login_chance: float = 0.25
    login_at_checkout_chance: float = 0.85
    stays_logged_in_chance: float = 0.9
    alias_share: float = 0.04
    shared_device_share: float = 0.005

    # Calendar.
    promotion_share: float = 0.06  # of items, in any week
    promotion_lift: float = 3.0  # factor on the odds that an item is chosen while its price is cut
    stock_outs_per_year: float = 1.0  # per item
    stock_out_days_mean: float = 6.0
    new_arrival_share: float = 0.25
    novelty_boost: float = 1.0
    novelty_days: float = 21.0
    weekday_factors: tuple[float, ...] = (1.12, 1.08, 1.02, 1.0, 0.9, 0.75, 1.13)  # Monday first
    season_amplitude: float = 0.18  # of the whole store, highest in early December

    # After the order.
    cancelled_share: float = 0.015
    refund_delay_days: tuple[int, int] = (3, 21)

    # Consent.
    no_answer_share: float = 0.08
    refuses_analytics_share: float = 0.04
    refuses_personalization_share: float = 0.08
    refuses_marketing_share: float = 0.3
    changes_mind_share: float = 0.05

    def __post_init__(self) -> None:
        """Raise InputError for numbers out of range."""
        lowest = {"customers": 1, "items": MIN_ITEMS, "days": 1, "seed": 0}
        highest = {"customers": 5_000_000, "items": 50_000, "days": 3660, "seed": 2**31}
        for name, low in lowest.items():
            value = getattr(self, name)
            if not low <= value <= highest[name]:
                raise InputError(f"{name} = {value}; it must lie between {low} and {highest[name]:,}.")

    @property
    def start_at(self) -> datetime:
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)

    @cached_property
    def fingerprint(self) -> str:
        """Eight hex digits that differ between stores, so that ids of two of them never collide."""
        return blake2b(repr(self).encode(), digest_size=4).hexdigest()

    def date_of(self, day: int) -> date:
        return self.start + timedelta(days=day)
