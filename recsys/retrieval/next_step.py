"""Next step: what kind of step a visit takes next: to the item in view again, to one seen before, or to a new one.

Whether people repeat or explore shows in how their visit went so far, whatever the items are (Ren et al., "RepeatNet: a
repeat aware neural recommendation machine for session-based recommendation", 2019). Here boosted trees say it, one
ensemble for each kind of step, learnt from the steps of all visits; the ranker alone has too few cases to learn it. It
proposes nothing, and says nothing in stores with few visits.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np

from recsys.board import Board
from recsys.compiled import compiled
from recsys.interactions import ItemCounters
from recsys.items import Items
from recsys.parameters import RecommendParameters
from recsys.retrieval.source import Column, State
from recsys.shopper import RECENT, Shopper
from recsys.trees import Trees
from recsys.visit_log import VisitLog

# How many other items lie between an item's last sight and now: none, one, two, more; or it was never seen.
STEPS: Final = ("same", "previous", "second", "earlier", "new")
_NEW: Final = len(STEPS) - 1
_FARTHEST: Final = 6  # such distances are told apart up to here
_LAST_STEPS: Final = 6
_LAST_ITEMS: Final = 3
_OF_LAST_ITEMS: Final = ("times", "first_place", "steps_since")
SHAPE: Final = (
    *("steps", "items", "item_share", "run", "return_share", "same_share", "same_steps", "repeated_item_share"),
    *(f"step_{back}" for back in range(_LAST_STEPS)),
    *("early_step_1", "early_step_2"),
    *(f"{name}_{back}" for back in range(_LAST_ITEMS) for name in _OF_LAST_ITEMS),
)
LEAST_EXAMPLES: Final = 5_000
MOST_EXAMPLES: Final = 300_000  # the latest steps
TREES: Final = 30
LEAVES: Final = 8  # few and small: more of either says no more of a later part, and costs each request
LEARNING_RATE: Final = 0.3
_PREFIX: Final = "next_step_"


class NextStep:
    """Judges each candidate by how likely a step of its kind is now."""

    name: ClassVar[str] = "next_step"

    def __init__(self, texts: tuple[str, ...]) -> None:
        """`texts` are the ensembles of STEPS in LightGBM's own format; none where too little was seen to learn from."""
        self._texts = texts
        self._trees = tuple(Trees.of(text) for text in texts)

    @classmethod
    def fit(cls, state: State) -> Self:
        shapes, kinds = _examples(state.log, state.log.cutoff(state.now), MOST_EXAMPLES)
        if len(kinds) < LEAST_EXAMPLES:
            return cls(())
        return cls(_fitted(shapes, kinds, state.seed, state.threads))

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return ()

    @staticmethod
    def judgements() -> tuple[str, ...]:
        return ("next_step", *(f"next_step_{name}" for name in ("same", "previous", "new")))

    def propose(self, shopper: Shopper, eligible: np.ndarray, board: Board, first: int) -> None:
        """Proposes nothing."""

    def judge(self, shopper: Shopper, candidates: np.ndarray, out: np.ndarray) -> None:
        recent = shopper.recent
        if not len(recent) or not self._trees:
            out[:] = 0.0
            return
        shape = np.empty((1, len(SHAPE)), np.float32)
        _describe(recent, shape[0])
        log_odds = np.array([trees.scores(shape)[0] for trees in self._trees], np.float32)
        _fill(recent, candidates, log_odds, out)

    def grown(self, items: Items, counters: ItemCounters) -> Self:
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {
            f"{_PREFIX}{name}": np.frombuffer(text.encode(), np.uint8)
            for name, text in zip(STEPS, self._texts, strict=False)
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        names = [name for name in (f"{_PREFIX}{step}" for step in STEPS) if name in arrays]
        return cls(tuple(np.asarray(arrays[name]).tobytes().decode() for name in names))


def _examples(log: VisitLog, visits: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Shapes (steps, len(SHAPE)) and kinds of next steps (steps,) of the latest of the first `visits` visits."""
    lengths = np.minimum(np.diff(log.offsets[: visits + 1]), RECENT + 1) - 1
    counted = np.cumsum(lengths[::-1])
    first = visits - int(np.searchsorted(counted, most, side="right"))
    total = int(lengths[first:].sum())
    shapes, kinds = np.empty((total, len(SHAPE)), np.float32), np.empty(total, np.int64)
    _fill_examples(log, first, visits, shapes, kinds)
    return shapes, kinds


def _fitted(shapes: np.ndarray, kinds: np.ndarray, seed: int, threads: int) -> tuple[str, ...]:
    import lightgbm  # a service that only answers does without it

    options = {
        "objective": "binary",
        "learning_rate": LEARNING_RATE,
        "num_leaves": LEAVES,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 63,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    data = lightgbm.Dataset(shapes, feature_name=list(SHAPE), params=options, free_raw_data=False)
    texts = []
    for kind in range(len(STEPS)):
        data.set_label(kinds == kind)
        texts.append(lightgbm.train(options, data, TREES).model_to_string())
    return tuple(texts)


@compiled
def _fill_examples(log: VisitLog, first: int, stop: int, shapes: np.ndarray, kinds: np.ndarray) -> None:
    row = 0
    for visit in range(first, stop):
        begin = log.offsets[visit]
        for entry in range(begin + 1, min(log.offsets[visit + 1], begin + RECENT + 1)):
            _describe(log.items[begin:entry], shapes[row])
            kinds[row] = min(_items_between(log.items[begin:entry], log.items[entry]), _NEW)
            row += 1


@compiled
def _items_between(seen: np.ndarray, item: int) -> int:
    """How many distinct other items were seen since the item was, at most _NEW - 1; _NEW where it never was."""
    between = 0
    for place in range(len(seen) - 1, -1, -1):
        if seen[place] == item:
            return min(between, _NEW - 1)
        is_counted = False
        for later in range(place + 1, len(seen)):
            is_counted |= seen[later] == seen[place]
        between += not is_counted
    return _NEW


@compiled
def _fill(recent: np.ndarray, candidates: np.ndarray, log_odds: np.ndarray, out: np.ndarray) -> None:
    latest = _latest_distinct(recent)
    for row in range(len(candidates)):
        kind = _NEW
        for place in range(len(latest)):
            if latest[place] == candidates[row]:
                kind = min(place, _NEW - 1)
        out[0, row] = log_odds[kind]
        out[1, row] = log_odds[0]
        out[2, row] = log_odds[1]
        out[3, row] = log_odds[_NEW]


@compiled
def _latest_distinct(recent: np.ndarray) -> np.ndarray:
    """The distinct items, the one seen last first."""
    found = np.empty(len(recent), np.int32)
    count = 0
    for place in range(len(recent) - 1, -1, -1):
        is_known = False
        for known in range(count):
            is_known |= found[known] == recent[place]
        if not is_known:
            found[count] = recent[place]
            count += 1
    return found[:count]


@compiled
def _describe(recent: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (len(SHAPE),) with the shape of a visit's steps (steps,), at least one."""
    size = len(recent)
    distances, latest = _distances(recent), _latest_distinct(recent)
    returns, same, run, repeated = 0, 0, 1, 0
    for step in range(1, size):
        returns += distances[step] <= _FARTHEST
        same += distances[step] == 0
    while run < size and recent[size - 1 - run] == recent[-1]:
        run += 1
    first = len(SHAPE) - _LAST_ITEMS * len(_OF_LAST_ITEMS)
    out[first:] = -1
    for back in range(len(latest)):
        times, first_place, last_place = 0, -1, -1
        for place in range(size):
            if recent[place] == latest[back]:
                times, last_place = times + 1, place
                first_place = place if first_place < 0 else first_place
        repeated += times > 1
        if back < _LAST_ITEMS:
            column = first + back * len(_OF_LAST_ITEMS)
            out[column], out[column + 1], out[column + 2] = times, first_place, size - 1 - last_place
    later = max(size - 1, 1)
    out[0], out[1], out[2], out[3] = size, len(latest), len(latest) / size, run
    out[4], out[5], out[6], out[7] = returns / later, same / later, same, repeated / len(latest)
    for back in range(_LAST_STEPS):
        out[8 + back] = distances[size - 1 - back] if back < size else -1
    for early in range(1, 3):
        out[7 + _LAST_STEPS + early] = distances[early] if early < size else -1


@compiled
def _distances(recent: np.ndarray) -> np.ndarray:
    """Of each step, how many other items came since its item was last seen, at most _FARTHEST; else one more."""
    found, seen = np.empty(len(recent), np.int64), np.empty(len(recent), np.int32)
    count = 0
    for step in range(len(recent)):
        place = count - 1
        while place >= 0 and seen[place] != recent[step]:
            place -= 1
        found[step] = min(count - 1 - place, _FARTHEST) if place >= 0 else _FARTHEST + 1
        if place < 0:
            place, count = count, count + 1
        for later in range(place, count - 1):
            seen[later] = seen[later + 1]
        seen[count - 1] = recent[step]
    return found
