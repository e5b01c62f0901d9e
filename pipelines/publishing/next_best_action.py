"""The next best action for a customer, in a sentence: the first rule of a table that applies.

A rule that needs columns of a family that was not published does not apply. Every store gets what its data support.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from models.churn.bands import HIGH, LOW, MEDIUM
from models.churn.bands import LAPSED as LAPSED_BAND
from models.segments.lifecycle import ACTIVE, COOLING, LAPSED, NEW, PROSPECT, WON_BACK
from models.uplift.bands import LEAVE_ALONE, LOST_CAUSE, PERSUADABLE, SURE_THING

OFFER: Final = "win back with an offer"  # the only action that costs margin


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

    def _true(self, column: str, condition: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> np.ndarray:
        if column not in self._table.column_names:
            return np.zeros(self.count, bool)
        return condition(self._table[column]).fill_null(False).to_numpy(zero_copy_only=False).astype(bool)


class Action(NamedTuple):
    """What to do, and when, as a sentence and as a condition."""

    text: str
    when: str
    applies: Callable[[Customers], np.ndarray]


def is_at_risk(customers: Customers) -> np.ndarray:
    """Whether the customer is likely to churn or has lapsed, (customers,)."""
    return customers.has(c.CHURN_BAND, HIGH, LAPSED_BAND) | customers.has(c.STAGE, COOLING, LAPSED)


def has_lapsed(customers: Customers) -> np.ndarray:
    """Whether the customer has lapsed, so that no churn risk is published, (customers,)."""
    return customers.has(c.CHURN_BAND, LAPSED_BAND) | customers.has(c.STAGE, LAPSED)


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
        lambda customers: customers.has(c.UPLIFT_BAND, LOST_CAUSE) & is_at_risk(customers),
    ),
    Action(
        "leave alone: comes back without an offer",
        "leaving, and a past campaign says that such customers order anyway",
        lambda customers: customers.has(c.UPLIFT_BAND, SURE_THING) & is_at_risk(customers),
    ),
    Action(
        OFFER,
        "leaving, and a past campaign says that contact helps",
        lambda customers: customers.has(c.UPLIFT_BAND, PERSUADABLE) & is_at_risk(customers),
    ),
    Action(
        "invite to a first order",
        "known, without an order",
        lambda customers: customers.has(c.STAGE, PROSPECT) | (customers.number(c.ORDERS) == 0),
    ),
    Action(
        OFFER,
        "leaving or lapsed, and worth more than half of the store's customers",
        lambda customers: is_at_risk(customers) & is_worth_an_offer(customers),
    ),
    Action("leave alone: left, and an offer would cost more than it brings", "lapsed, and worth less", has_lapsed),
    Action(
        "send a reminder with the recommended items",
        "leaving, and worth less; there are items to show",
        lambda customers: is_at_risk(customers) & customers.is_filled(c.RECOMMENDED_ITEMS),
    ),
    Action("send a reminder", "leaving, and worth less", is_at_risk),
    Action(
        "thank and ask for a review",
        "new, or back after a long silence",
        lambda customers: customers.has(c.STAGE, NEW, WON_BACK),
    ),
    Action(
        "leave alone: orders without help",
        "on their own rhythm",
        lambda customers: customers.has(c.STAGE, ACTIVE) | customers.has(c.CHURN_BAND, LOW, MEDIUM),
    ),
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
