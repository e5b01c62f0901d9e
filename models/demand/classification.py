"""Classes of demand: how often a series sells, and how evenly."""

from typing import Final

import numpy as np

from models.demand.panel import Panel

# Syntetos, Boylan & Croston (2005), "On the categorization of demand patterns".
ADI_CUT: Final = 1.32  # periods between sales, on average
CV2_CUT: Final = 0.49  # squared coefficient of variation of the units in periods with sales
CLASSES: Final = ("smooth", "erratic", "intermittent", "lumpy", "new", "all_zero")
NEW: Final = CLASSES.index("new")
ALL_ZERO: Final = CLASSES.index("all_zero")
_TINY: Final = 1e-12


def demand_class(panel: Panel, usable: np.ndarray | None = None) -> np.ndarray:
    """Each series' index into CLASSES, (series,), from its last year or two since its first sale.

    `usable` (series, periods) bool are the periods that count; None: those that were observed.
    """
    seen = panel.is_observed if usable is None else usable
    first, frequency = panel.first_sale, panel.frequency
    period = np.arange(panel.periods)
    recent = slice(max(panel.periods - frequency.class_periods, 0), None)
    is_recent = (seen & (period >= first[:, None]))[:, recent]
    units = np.where(is_recent, panel.units[:, recent], 0).astype(np.float64)
    sold = np.maximum((units > 0).sum(axis=1), 1)
    mean = units.sum(axis=1) / sold
    cv2 = np.square(units).sum(axis=1) / sold / np.maximum(np.square(mean), _TINY) - 1
    pattern = np.where(is_recent.sum(axis=1) / sold < ADI_CUT, 0, 2) + (cv2 >= CV2_CUT)
    pattern = np.where(panel.periods - first < frequency.new_periods, NEW, pattern)
    return np.where(first == panel.periods, ALL_ZERO, pattern)
