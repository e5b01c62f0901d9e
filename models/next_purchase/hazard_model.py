"""The next order: small trees that bend the hazard of the customer's own rhythm, rolled out over the days ahead.

Time ahead is cut into intervals; in each, a customer who has not ordered yet does so with a probability, the hazard.
Where the trees know nothing, it is what the customer's own rhythm says
(`models.next_purchase.renewal_baseline`), so that a small store starts from there. Somebody
watched for a while only counts for as long as they were watched (Allison, Sociological Methodology 1982, on
discrete-time hazards).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from scipy.special import expit, logit

from models.next_purchase.calibration import OrderCalibration
from models.next_purchase.censored_customers import MEAN_GAP, NUMBERS, RECENCY, STD_GAP, Followed, own_gaps
from models.next_purchase.hazard_curves import OrderCurves
from models.next_purchase.renewal_baseline import OwnRhythm

TREES_FILE: Final = "model.txt"
PARAMETERS_FILE: Final = "parameters.json"
ROWS_PER_THREAD: Final = 100_000  # below that, threads wait for one another longer than they work
BLOCK: Final = 10_000  # customers rolled out at one time
# Besides NUMBERS, what changes as the days pass: days ahead, and how the silence then compares with the rhythm.
ROLLED: Final = ("ahead_days", "silence_days", "silence_in_gaps", "silence_past_gap", "silence_past_gap_in_spreads")
SOON_DAYS: Final = 30  # for which a probability is told
LEAST_HAZARD: Final = 1e-6
LEAST_SPREAD_DAYS: Final = 1.0


@dataclass(frozen=True)
class NextOrderParameters:
    """Every parameter of the next_order family."""

    longest_days: int = 365  # how far ahead, where the history allows
    snapshots: int = 3  # training snapshots, each half as far back as the one before
    min_customers: int = 50  # whom a snapshot must have
    min_orders: int = 20  # that must have followed it
    least_chance: float = 0.2  # to order within the horizon at all; below, no date is told
    max_training_rows: int = 500_000  # a customer gives one per interval
    trees: int = 80
    leaves: int = 7
    learning_rate: float = 0.05
    min_rows_per_leaf: int = 200
    leaf_penalty: float = 20.0

    def __post_init__(self) -> None:
        if not SOON_DAYS <= self.longest_days <= 730:
            raise ValueError(f"longest_days is {self.longest_days}; allowed are {SOON_DAYS} to 730.")
        if not 0 <= self.least_chance < 1:
            raise ValueError(f"least_chance is {self.least_chance}; allowed are 0 to below 1.")
        if self.snapshots < 1:
            raise ValueError(f"snapshots is {self.snapshots}; at least 1 is needed.")


@dataclass(frozen=True)
class NextOrderModel:
    """The customer's own rhythm, the trees that bend it, and the calibration."""

    edges: np.ndarray  # (intervals + 1,) days ahead
    rhythm: OwnRhythm
    trees: str  # LightGBM text
    calibration: OrderCalibration

    @classmethod
    def fit(
        cls,
        training: Sequence[Followed],
        later: Followed,
        rhythm: OwnRhythm,
        edges: np.ndarray,
        parameters: NextOrderParameters,
        seed: int,
        threads: int,
    ) -> Self:
        """Fit on the training snapshots, calibrate on a later one, watched for the whole horizon."""
        assert later.followed_days >= edges[-1]
        trees = _fit_trees(training, rhythm, edges, parameters, seed, threads)
        curves = _rolled_out(trees, rhythm, edges, later.numbers, threads)
        calibration = OrderCalibration.fit(curves, later, parameters.least_chance)
        return cls(edges, rhythm, trees.model_to_string(), calibration)

    def curves(self, numbers: np.ndarray, threads: int = 1) -> OrderCurves:
        """Each customer's calibrated curve, given the silence so far; numbers (customers, len(NUMBERS))."""
        trees = lgb.Booster(model_str=self.trees)
        return self.calibration.applied(_rolled_out(trees, self.rhythm, self.edges, numbers, threads))

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write model.txt and parameters.json, which also repeats `facts` about the fit."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TREES_FILE).write_text(self.trees, encoding="utf-8")
        parameters = facts | {
            "numbers": list(NUMBERS),
            "edges": self.edges.tolist(),
            "rhythm": self.rhythm.to_json(),
            "calibration": self.calibration.to_json(),
        }
        (folder / PARAMETERS_FILE).write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote."""
        parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        assert parameters["numbers"] == list(NUMBERS), "written by another version, with other numbers"
        return cls(
            edges=np.asarray(parameters["edges"], dtype=float),
            rhythm=OwnRhythm.from_json(parameters["rhythm"]),
            trees=(folder / TREES_FILE).read_text(encoding="utf-8"),
            calibration=OrderCalibration(**parameters["calibration"]),
        )


def _fit_trees(
    training: Sequence[Followed],
    rhythm: OwnRhythm,
    edges: np.ndarray,
    parameters: NextOrderParameters,
    seed: int,
    threads: int,
) -> lgb.Booster:
    random = np.random.default_rng(seed)
    share = parameters.max_training_rows / len(training)
    parts = [_person_periods(followed, rhythm, edges, share, random) for followed in training]
    rows, ordered, weights, expected = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    settings = {
        "objective": "binary",
        "boost_from_average": False,
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.min_rows_per_leaf,
        "lambda_l2": parameters.leaf_penalty,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": min(threads, 1 + len(ordered) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    names = [*NUMBERS, *ROLLED]
    data = lgb.Dataset(rows, ordered, weight=weights, init_score=logit(expected), feature_name=names)
    return lgb.train(settings, data, parameters.trees)


def _person_periods(
    followed: Followed, rhythm: OwnRhythm, edges: np.ndarray, max_rows: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, whether an order came, weights, and the hazard that the own rhythm expects: one per customer and interval.

    Only intervals that were watched to their end, up to the one of the order. Every interval with an order is kept;
    of the others a random part, which weighs for all of them.
    """
    watched = int(np.searchsorted(edges, followed.followed_days, side="right")) - 1
    reached = np.searchsorted(edges[: watched + 1], followed.next_days, side="left") - 1  # the order's interval
    lengths = np.minimum(np.maximum(reached, 0) + 1, watched)
    customers = np.repeat(np.arange(len(lengths)), lengths)
    intervals = np.arange(len(customers)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ordered = intervals == np.maximum(reached, 0)[customers]
    share = min(1.0, max_rows / max(len(ordered), 1))
    kept = ordered | (random.random(len(ordered)) < share)
    customers, intervals, ordered = customers[kept], intervals[kept], ordered[kept]
    expected = _hazards(rhythm.curves(followed.numbers, edges))[customers, intervals]
    rows = _rows(followed.numbers[customers], _middles(edges)[intervals], rhythm.usual_gap_days)
    return rows, ordered.astype(np.int8), np.where(ordered, 1.0, 1.0 / share), expected


def _rolled_out(
    trees: lgb.Booster, rhythm: OwnRhythm, edges: np.ndarray, numbers: np.ndarray, threads: int
) -> OrderCurves:
    """Each customer's curve: the hazards of the intervals, one after the other, block by block."""
    middles = _middles(edges)
    reached = np.zeros((len(numbers), len(edges)))
    for start in range(0, len(numbers), BLOCK):
        block = numbers[start : start + BLOCK]
        rows = _rows(np.repeat(block, len(middles), axis=0), np.tile(middles, len(block)), rhythm.usual_gap_days)
        bent = np.asarray(trees.predict(rows, raw_score=True, num_threads=threads)).reshape(len(block), -1)
        hazards = expit(logit(_hazards(rhythm.curves(block, edges))) + bent)
        reached[start : start + BLOCK, 1:] = np.cumsum(-np.log1p(-np.clip(hazards, 0.0, 1 - LEAST_HAZARD)), axis=1)
    return OrderCurves(edges, reached)


def _hazards(curves: OrderCurves) -> np.ndarray:
    """P(order in an interval, given none before it), (customers, intervals)."""
    return np.clip(-np.expm1(-np.diff(curves.hazards, axis=1)), LEAST_HAZARD, 1 - LEAST_HAZARD)


def _middles(edges: np.ndarray) -> np.ndarray:
    middles: np.ndarray = (edges[:-1] + edges[1:]) / 2
    return middles


def _rows(numbers: np.ndarray, ahead_days: np.ndarray, usual_gap_days: float) -> np.ndarray:
    """NUMBERS and ROLLED of customers so many days ahead, (rows, features)."""
    silence = numbers[:, RECENCY] + ahead_days
    past = silence - numbers[:, MEAN_GAP]
    spread = np.maximum(numbers[:, STD_GAP], LEAST_SPREAD_DAYS)
    rolled = (ahead_days, silence, silence / own_gaps(numbers, usual_gap_days), past, past / spread)
    return np.column_stack([numbers, *rolled]).astype(np.float32)
