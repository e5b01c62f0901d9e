"""Promotions as prices show them: days on which an item cost clearly less than it usually does."""

from typing import Final

import numpy as np
import pandas as pd

USUAL_DAYS: Final = 91
SMALLEST_CUT: Final = 0.05  # of the usual price; less is rounding, or a mix of prices within a day
LONGEST_SILENCE: Final = 7  # days without a price between two alike ones that are taken to have cost the same
ITEMS_AT_ONCE: Final = 2_000
_ENDS: Final = ((np.min, np.inf), (np.max, -np.inf))


def price_cuts(price: np.ndarray) -> np.ndarray:
    """The share of the usual price that was cut, (items, days) float32; 0 without a promotion or a known price.

    `price` (items, days) is NaN on days on which nobody stated one. The usual price is the median of the last
    USUAL_DAYS, the day itself included, so a price that stays low for half of them has become the usual one.
    """
    known = ~np.isnan(price)
    cuts = np.zeros(price.shape, dtype=np.float32)
    lowest, highest = (ends(price, axis=1, where=known, initial=start) for ends, start in _ENDS)
    changes = np.flatnonzero(lowest < highest * (1 - SMALLEST_CUT))
    for block in np.array_split(changes, max(len(changes) // ITEMS_AT_ONCE, 1)):
        usual = pd.DataFrame(price[block].T).rolling(USUAL_DAYS, min_periods=1).median().to_numpy().T
        depth = 1 - price[block] / np.maximum(usual, 1e-9)
        for item, cut in zip(block, np.where(depth >= SMALLEST_CUT, depth, 0.0), strict=True):
            days = np.flatnonzero(known[item])
            _fill(cuts[item], days, cut[days])
    return cuts


def _fill(row: np.ndarray, days: np.ndarray, cut: np.ndarray) -> None:
    """Write each day's cut; short silences between two promoted days were promoted as well."""
    row[days] = cut
    short = (np.diff(days) > 1) & (np.diff(days) <= LONGEST_SILENCE) & (cut[:-1] > 0) & (cut[1:] > 0)
    for place in np.flatnonzero(short):
        row[days[place] + 1 : days[place + 1]] = cut[place]
