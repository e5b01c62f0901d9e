"""Visits to learn from: histories as they stood while a customer was choosing, with one of the chosen items in view."""

from dataclasses import dataclass

import numpy as np

from recsys.interactions import SECONDS_PER_DAY, Interactions
from recsys.pairs import Pairs
from recsys.query import KINDS
from recsys.shoppers import VISIT_DAYS
from recsys.splits import Window


@dataclass(frozen=True)
class Visits:
    """One visit per customer: their last choice in a window, seen at the moment before it.

    Half of the visits, by chance, are seen whole; of the others all that the visit showed before is left out, as at its
    first click. `histories` are moved in time so that every visit's moment is the window's start, and end with the view
    of one chosen item, the cue. `targets` are the other items of that choice; `cues` are not to be guessed.
    """

    histories: Interactions
    targets: Pairs
    cues: Pairs

    @classmethod
    def of(cls, past: Interactions, window: Window, kind: int, seed: int) -> "Visits":
        """Of the customers who chose several items at once in the window; the cue is drawn at random."""
        rows, times = past.rows, past.times
        is_choice = (past.kinds == kind) & (times >= window.start) & (times < window.stop)
        moment = np.full(len(past.customers), -1, np.int64)
        np.maximum.at(moment, rows[is_choice], times[is_choice])
        chosen = np.flatnonzero(is_choice & (times == moment[rows]))
        several = np.bincount(rows[chosen], minlength=len(past.customers)) > 1
        chosen = chosen[several[rows[chosen]]]
        random = np.random.default_rng(seed)
        cues = _one_per_row(chosen, rows[chosen], random)
        is_whole = random.random(len(past.customers)) < 0.5
        reach = moment - np.where(is_whole, 0, int(VISIT_DAYS * SECONDS_PER_DAY))
        before = np.flatnonzero(several[rows] & (times < reach[rows]))
        histories = Interactions.of(
            past.customers,
            past.item_count,
            np.concatenate([rows[before], rows[cues]]),
            np.concatenate([past.items[before], past.items[cues]]),
            np.concatenate([past.kinds[before], np.full(len(cues), KINDS.index("view"), np.uint8)]),
            np.concatenate([times[before] - moment[rows[before]] + window.start, np.full(len(cues), window.start)]),
        )
        others = np.setdiff1d(chosen, cues)
        return cls(histories, _pairs(past, rows, others), _pairs(past, rows, cues))


def _one_per_row(places: np.ndarray, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One of each row's places, at random."""
    order = np.lexsort((random.random(len(places)), rows))
    _, first = np.unique(rows[order], return_index=True)
    return places[order[first]]


def _pairs(past: Interactions, rows: np.ndarray, places: np.ndarray) -> Pairs:
    return Pairs.of(rows[places], past.items[places].astype(np.int64), past.item_count)
