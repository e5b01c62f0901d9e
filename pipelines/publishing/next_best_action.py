"""The next best action for a customer, in a sentence: the first rule of a table that applies.

Nobody who is on schedule by the own rhythm gets an offer. Only a campaign with a holdout shows who orders without one,
so no other rule claims it. A rule that needs columns of a family that was not published does not apply.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.time_units import MICROSECONDS_PER_SECOND, SECONDS_PER_DAY
from models.churn.bands import HIGH
from models.churn.bands import LAPSED as LAPSED_BAND
from models.segments.lifecycle import ACTIVE, COOLING, LAPSED, NEW, PROSPECT, WON_BACK
from models.uplift.bands import LEAVE_ALONE, LOST_CAUSE, PERSUADABLE, SURE_THING

OFFER: Final = "win back with an offer"  # the only action that costs margin
REMINDER: Final = "send a reminder"
SHOWN_REMINDER: Final = "send a reminder with the recommended items"
EVEN: Final = 0.5


class Customers:
    """The customers' table as the rules read it: a condition on a missing value is false."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.count = table.num_rows

    def has(self, column: str, *values: str) -> np.ndarray:
        """Whether the column holds one of the values, (customers,)."""
        return self._true(column, lambda cells: pc.is_in(cells, pa.array(values, pa.string())))

    def is_true(self, column: str) -> np.ndarray:
        """Whether the column is true, (customers,)."""
        return self._true(column, lambda cells: cells)

    def is_filled(self, column: str) -> np.ndarray:
        """Whether the column holds a value, (customers,)."""
        return self._true(column, pc.is_valid)

    def number(self, column: str) -> np.ndarray:
        """The column's numbers, (customers,); NaN where missing."""
        if column not in self._table.column_names:
            return np.full(self.count, np.nan)
        return self._table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)

    def days(self, column: str) -> np.ndarray:
        """The column's times in days, (customers,); NaN where missing."""
        if column not in self._table.column_names:
            return np.full(self.count, np.nan)
        microseconds = self._table[column].cast(c.TIMESTAMP).cast(pa.int64()).cast(pa.float64(), safe=False)
        return np.asarray(microseconds.to_numpy(zero_copy_only=False)) / (MICROSECONDS_PER_SECOND * SECONDS_PER_DAY)

    def _true(self, column: str, condition: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> np.ndarray:
        if column not in self._table.column_names:
            return np.zeros(self.count, bool)
        return condition(self._table[column]).fill_null(False).to_numpy(zero_copy_only=False).astype(bool)


class Action(NamedTuple):
    """What to do, and when, as a sentence and as a condition."""

    text: str
    when: str
    applies: Callable[[Customers], np.ndarray]


def is_on_schedule(customers: Customers) -> np.ndarray:
    """Whether the silence is no longer than the customer's own mean time between orders, (customers,).

    False for customers with one order, whose rhythm is not known.
    """
    first, last = customers.days(c.FIRST_ORDER_AT), customers.days(c.LAST_ORDER_AT)
    gaps = np.maximum(customers.number(c.ORDERS) - 1, 0)
    silent = customers.days(c.AS_OF) - last
    return (gaps > 0) & (silent * gaps <= last - first)


def is_leaving(customers: Customers) -> np.ndarray:
    """Whether the customer is likely to churn or has lapsed, and is overdue by the own rhythm, (customers,)."""
    is_at_risk = customers.has(c.CHURN_BAND, HIGH, LAPSED_BAND) | customers.has(c.STAGE, COOLING, LAPSED)
    return is_at_risk & ~is_on_schedule(customers)


def may_stay_away(customers: Customers) -> np.ndarray:
    """Whether no order within the churn horizon is more likely than one, (customers,)."""
    return customers.number(c.CHURN_RISK) > EVEN


def has_lapsed(customers: Customers) -> np.ndarray:
    """Whether the customer has lapsed, so that no churn risk is published, and is overdue, (customers,)."""
    return is_leaving(customers) & (customers.has(c.CHURN_BAND, LAPSED_BAND) | customers.has(c.STAGE, LAPSED))


def is_worth_an_offer(customers: Customers) -> np.ndarray:
    """Whether the value at risk, or else the revenue so far, is at least the median of the store's customers."""
    at_risk, revenue = customers.number(c.VALUE_AT_RISK), customers.number(c.REVENUE)
    of_buyers = revenue[customers.number(c.ORDERS) > 0]
    is_worth = np.where(np.isnan(at_risk), revenue >= _median(of_buyers), at_risk >= _median(at_risk))
    return is_worth & (customers.number(c.ORDERS) > 0)


def must_not_be_contacted(customers: Customers) -> np.ndarray:
    """Whether the customer has not consented to marketing, (customers,); false in a store without any statement."""
    is_stated = bool(customers.is_filled(c.CONSENT_MARKETING).any())
    allowed = customers.is_true(c.CONSENT_MARKETING)
    return ~allowed if is_stated else np.zeros(customers.count, bool)


ACTIONS: Final = (
    Action("nothing: no marketing consent", "marketing was refused or not allowed", must_not_be_contacted),
    Action(
        "leave alone: contact drives this customer away",
        "a past campaign with a holdout says so",
        lambda customers: customers.has(c.UPLIFT_BAND, LEAVE_ALONE),
    ),
    Action(
        "leave alone: an offer would not change anything",
        "leaving, and a past campaign says that contact does not help",
        lambda customers: customers.has(c.UPLIFT_BAND, LOST_CAUSE) & is_leaving(customers),
    ),
    Action(
        "leave alone: orders without an offer",
        "a past campaign says that such customers order anyway",
        lambda customers: customers.has(c.UPLIFT_BAND, SURE_THING),
    ),
    Action(
        OFFER,
        "leaving, and a past campaign says that contact helps",
        lambda customers: customers.has(c.UPLIFT_BAND, PERSUADABLE) & is_leaving(customers),
    ),
    Action(
        "invite to a first order",
        "known, without an order",
        lambda customers: customers.has(c.STAGE, PROSPECT) | (customers.number(c.ORDERS) == 0),
    ),
    Action(
        OFFER,
        "leaving or lapsed, and worth more than half of the store's customers",
        lambda customers: is_leaving(customers) & is_worth_an_offer(customers),
    ),
    Action("leave alone: left, and an offer would cost more than it brings", "lapsed, and worth less", has_lapsed),
    Action(
        SHOWN_REMINDER,
        "leaving, and worth less; there are items to show",
        lambda customers: is_leaving(customers) & customers.is_filled(c.RECOMMENDED_ITEMS),
    ),
    Action(REMINDER, "leaving, and worth less", is_leaving),
    Action(
        "thank and ask for a review",
        "new, or back after a long silence",
        lambda customers: customers.has(c.STAGE, NEW, WON_BACK),
    ),
    Action(
        "no offer: on schedule",
        "silent for no longer than the own mean time between orders",
        is_on_schedule,
    ),
    Action(
        SHOWN_REMINDER,
        "overdue, no order is more likely than one, and there are items to show",
        lambda customers: may_stay_away(customers) & customers.is_filled(c.RECOMMENDED_ITEMS),
    ),
    Action(REMINDER, "overdue, and no order is more likely than one", may_stay_away),
    Action(
        "no offer: an order is likely",
        "overdue, but an order is at least as likely as none",
        lambda customers: customers.number(c.CHURN_RISK) <= EVEN,
    ),
    Action("no offer: active", "ordered in the usual time", lambda customers: customers.has(c.STAGE, ACTIVE)),
)


def next_best_actions(table: pa.Table) -> pa.Array:
    """The text of the first rule that applies, (customers,); null where none does."""
    customers = Customers(table)
    chosen = np.full(customers.count, -1)
    for number, action in enumerate(ACTIONS):
        chosen[(chosen < 0) & action.applies(customers)] = number
    texts = pa.array([action.text for action in ACTIONS], pa.string())
    return texts.take(pa.array(chosen, mask=chosen < 0))


def described_actions() -> str:
    """The rules in a sentence, in their order."""
    return "; ".join(f"{action.text} ({action.when})" for action in ACTIONS)


def _median(numbers: np.ndarray) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(np.median(known)) if len(known) else np.inf
