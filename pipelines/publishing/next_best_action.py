"""What to do about a customer, in plain words: a table of rules, of which the first that applies counts.

Of what is not known (a family that was not published) no rule speaks, so that every store gets what can be said.
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
    """The customers' table as the rules ask it; what a column does not say is false."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.count = table.num_rows

    def has(self, column: str, *values: str) -> np.ndarray:
        """Whether the column holds one of the values, (customers,)."""
        return self._true(column, lambda cells: pc.is_in(cells, pa.array(values, pa.string())))

    def says(self, column: str, word: bool) -> np.ndarray:
        """Whether the column is that word, (customers,); false where nothing was said."""
        return self._true(column, lambda cells: pc.equal(cells, word))

    def fills(self, column: str) -> np.ndarray:
        """Whether the column holds something, (customers,)."""
        return self._true(column, pc.is_valid)

    def number(self, column: str) -> np.ndarray:
        """The column's numbers, (customers,); NaN where missing."""
        if column not in self._table.column_names:
            return np.full(self.count, np.nan)
        numbers: np.ndarray = self._table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers

    def _true(self, column: str, condition: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> np.ndarray:
        if column not in self._table.column_names:
            return np.zeros(self.count, bool)
        found: np.ndarray = condition(self._table[column]).fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
        return found


class Action(NamedTuple):
    """What to do, and when, in words and as a condition."""

    words: str
    when: str
    applies: Callable[[Customers], np.ndarray]


def is_at_risk(customers: Customers) -> np.ndarray:
    """Whether the customer is leaving or has left, (customers,)."""
    found: np.ndarray = customers.has(c.CHURN_BAND, HIGH, LAPSED_BAND) | customers.has(c.STAGE, COOLING, LAPSED)
    return found


def has_left(customers: Customers) -> np.ndarray:
    """Whether the customer has been silent for so long that no risk is told, (customers,)."""
    found: np.ndarray = customers.has(c.CHURN_BAND, LAPSED_BAND) | customers.has(c.STAGE, LAPSED)
    return found


def is_worth_an_offer(customers: Customers) -> np.ndarray:
    """Whether more is at stake than with half of the store's customers: value at risk; unknown, revenue so far."""
    at_stake, revenue = customers.number(c.VALUE_AT_RISK), customers.number(c.REVENUE)
    bought = revenue[customers.number(c.ORDERS) > 0]
    worth = np.where(np.isnan(at_stake), revenue >= _median(bought), at_stake >= _median(at_stake))
    return worth & (customers.number(c.ORDERS) > 0)


def must_not_be_contacted(customers: Customers) -> np.ndarray:
    """Who refused marketing or, in a store that told anybody's word, has not allowed it, (customers,)."""
    is_asked = bool(customers.fills(c.CONSENT_MARKETING).any())
    allowed = customers.says(c.CONSENT_MARKETING, True)
    return ~allowed if is_asked else np.zeros(customers.count, bool)


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
    Action("leave alone: left, and an offer would cost more than it brings", "lapsed, and worth less", has_left),
    Action(
        "send a reminder with the recommended items",
        "leaving, and worth less; there are items to show",
        lambda customers: is_at_risk(customers) & customers.fills(c.RECOMMENDED_ITEMS),
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
    """The words of the first rule that applies, (customers,) text; null where too little is known for any."""
    customers = Customers(table)
    chosen = np.full(customers.count, -1)
    for number, action in enumerate(ACTIONS):
        chosen[(chosen < 0) & action.applies(customers)] = number
    words = pa.array([action.words for action in ACTIONS], pa.string())
    return words.take(pa.array(chosen, mask=chosen < 0))


def described_actions() -> str:
    """The rules in words, the first that applies first."""
    return "; ".join(f"{action.words} ({action.when})" for action in ACTIONS)


def _median(numbers: np.ndarray) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(np.median(known)) if len(known) else np.inf
