"""What sold, as a matrix of items by days, and what kind of demand each item has."""

from dataclasses import dataclass
from typing import Final

import numpy as np

# Syntetos, Boylan & Croston (2005), "On the categorization of demand patterns".
ADI_CUT: Final = 1.32  # days between sales, on average
CV2_CUT: Final = 0.49  # squared coefficient of variation of the units on days with sales
CLASSES: Final = ("smooth", "erratic", "intermittent", "lumpy", "new")
NEW: Final = CLASSES.index("new")
NEW_ITEM_DAYS: Final = 28


@dataclass(frozen=True)
class DemandHistory:
    """Units sold per item and day. A day without a sale is 0; every day is a whole one.

    Shapes: `units` and `price` (items, days) float32; `category` (items,) codes from 0, or -1 where unknown. `price` is
    the price on that day, or the last one known before it; NaN before the first.
    """

    units: np.ndarray
    price: np.ndarray
    category: np.ndarray
    first_day: np.datetime64

    def __post_init__(self) -> None:
        assert self.units.ndim == 2
        assert self.units.shape == self.price.shape
        assert self.category.shape == self.units.shape[:1]

    @property
    def days(self) -> int:
        return len(self.units.T)

    def before(self, day: int) -> "DemandHistory":
        """The history as it was known when day number `day` began."""
        return DemandHistory(self.units[:, :day], self.price[:, :day], self.category, self.first_day)

    def only(self, items: np.ndarray) -> "DemandHistory":
        """The history of the chosen items (a mask or indices)."""
        return DemandHistory(self.units[items], self.price[items], self.category[items], self.first_day)

    def capped(self, factor: float) -> "DemandHistory":
        """The history with each item's days cut at `factor` times its median day with sales.

        One order of a thousand times the usual size says nothing of next month, yet would rule every mean it enters.
        """
        limit = factor * typical_sale(self.units)
        return DemandHistory(np.minimum(self.units, limit[:, None]), self.price, self.category, self.first_day)


def demand_history(
    item: np.ndarray,
    day: np.ndarray,
    units: np.ndarray,
    price: np.ndarray,
    category: np.ndarray,
    first_day: np.datetime64,
    days: int,
) -> DemandHistory:
    """The history from one row per item and day with sales; `item` are codes into `category`, `day` counts from 0.

    Raises ValueError where an item has two rows for one day.
    """
    cell = item.astype(np.int64) * days + day
    if len(np.unique(cell)) != len(cell):
        raise ValueError("an item has more than one row for the same day; give one row per item and day.")
    matrix = np.zeros((len(category), days), dtype=np.float32)
    matrix.ravel()[cell] = units
    prices = np.full_like(matrix, np.nan)
    prices.ravel()[cell] = price
    return DemandHistory(matrix, _carried_forward(prices), category, first_day)


def first_sale_day(units: np.ndarray) -> np.ndarray:
    """Each item's first day with a sale, (items,); the number of days where there is none."""
    sold = units > 0
    first: np.ndarray = np.where(sold.any(axis=1), sold.argmax(axis=1), units.shape[1])
    return first


def typical_sale(units: np.ndarray) -> np.ndarray:
    """Each item's median units on days with sales, (items,): of an even number the lower middle one; 0 of none."""
    sold = (units > 0).sum(axis=1)
    # The days with sales stand at the end of each sorted row.
    middle = units.shape[1] - sold + (sold - 1) // 2
    sale: np.ndarray = np.sort(units, axis=1)[np.arange(len(units)), middle]
    return sale


def demand_class(history: DemandHistory, window_days: int = 364) -> np.ndarray:
    """Each item's index into CLASSES, (items,), from its last `window_days` days since its first sale."""
    recent = history.units[:, -window_days:]
    sold = (recent > 0).sum(axis=1)
    age = history.days - first_sale_day(history.units)
    interval = np.minimum(age, window_days) / np.maximum(sold, 1)
    mean = recent.sum(axis=1, dtype=np.float64) / np.maximum(sold, 1)
    mean_square = np.square(recent, dtype=np.float64).sum(axis=1) / np.maximum(sold, 1)
    cv2 = mean_square / np.maximum(mean, 1e-12) ** 2 - 1
    pattern = np.where(interval < ADI_CUT, 0, 2) + (cv2 >= CV2_CUT)
    return np.where(age < NEW_ITEM_DAYS, NEW, pattern)


def _carried_forward(values: np.ndarray) -> np.ndarray:
    """Each row's last value that is not NaN, up to and with each column."""
    columns = np.where(np.isnan(values), 0, np.arange(values.shape[1], dtype=np.int32))
    np.maximum.accumulate(columns, axis=1, out=columns)
    return np.take_along_axis(values, columns, axis=1)
