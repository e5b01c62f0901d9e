"""The hazard model of the next order: small boosted trees that correct a renewal baseline, in discrete time.

Time ahead is cut into intervals. In each, a customer who has not ordered yet does so with a probability, the hazard.
The trees start from the hazard of the baseline (`models.next_purchase.renewal_baseline`), so that a small store gets
the baseline's answer. A customer counts for as long as observed (Allison, Sociological Methodology 1982, on
discrete-time hazards).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from scipy.special import expit, logit

from contracts.errors import InputError
from models.next_purchase.calibration import HazardCalibration
from models.next_purchase.censored_customers import (
    MEAN_GAP,
    RECENCY,
    STATIC_FEATURES,
    STD_GAP,
    CensoredCustomers,
    gap_days,
)
from models.next_purchase.hazard_curves import HazardCurves, interval_edges
from models.next_purchase.renewal_baseline import RenewalBaseline
from models.protocol import FitContext
from models.statistics.gradient_boosting import BoostedTrees, settings
from models.stored_parameters import read_parameters, write_parameters

TREES_FILE: Final = "model.txt"
ROWS_PER_THREAD: Final = 100_000  # with fewer, more threads are slower
BLOCK: Final = 10_000  # customers whose curves are computed at one time
# Besides STATIC_FEATURES: the days ahead, and how the time since the last order then compares with the mean gap.
TIME_VARYING_FEATURES: Final = ("ahead_days", "elapsed_days", "elapsed_gaps", "past_gap_days", "past_gap_deviations")
FEATURES: Final = (*STATIC_FEATURES, *TIME_VARYING_FEATURES)
SOON_DAYS: Final = 30  # for which a probability is published
MIN_HAZARD: Final = 1e-6
MIN_DEVIATION_DAYS: Final = 1.0


@dataclass(frozen=True)
class NextOrderParameters:
    """Every parameter of the next_order family."""

    longest_days: int = 365  # the longest horizon, where the history allows
    snapshots: int = 3  # training snapshots, each half as far back as the one before
    min_customers: int = 50  # in a snapshot
    min_orders: int = 20  # that must have followed it
    least_chance: float = 0.2  # of an order within the horizon; below, no date is given
    max_training_rows: int = 500_000  # one per customer and interval
    trees: int = 80  # trees of the gradient boosting
    leaves: int = 7  # leaves per tree
    learning_rate: float = 0.05  # of the gradient boosting
    min_rows_per_leaf: int = 200  # rows, the least that a leaf of a tree holds
    leaf_penalty: float = 20.0  # L2 penalty on the leaves' values

    def __post_init__(self) -> None:
        if not SOON_DAYS <= self.longest_days <= 730:
            raise InputError(f"longest_days is {self.longest_days}; allowed are {SOON_DAYS} to 730.")
        if not 0 <= self.least_chance < 1:
            raise InputError(f"least_chance is {self.least_chance}; allowed are 0 to below 1.")
        if self.snapshots < 1:
            raise InputError(f"snapshots is {self.snapshots}; at least 1 is needed.")


@dataclass(frozen=True)
class HazardData:
    """What the model is fitted on."""

    training: Sequence[CensoredCustomers]  # one per snapshot
    calibration: CensoredCustomers  # of a later snapshot, observed for the whole horizon
    median_gap_days: float
    horizon_days: int


@dataclass(frozen=True)
class HazardModel:
    """The renewal baseline, the trees that correct it, and the calibration."""

    edges: np.ndarray  # (intervals + 1,) days ahead
    baseline: RenewalBaseline
    trees: BoostedTrees | None  # None: the baseline alone
    calibration: HazardCalibration

    @classmethod
    def fit(cls, data: HazardData, parameters: NextOrderParameters, context: FitContext) -> Self:
        """Fit on the training snapshots, calibrate on the later one."""
        edges = interval_edges(data.horizon_days)
        assert data.calibration.follow_up_days >= edges[-1]
        baseline = RenewalBaseline.fit(data.training, data.median_gap_days)
        trees = _fit_trees(data.training, baseline, edges, parameters, context)
        curves = _uncalibrated(trees, baseline, edges, data.calibration.features, context.threads)
        return cls(edges, baseline, trees, HazardCalibration.fit(curves, data.calibration, parameters.least_chance))

    @classmethod
    def fit_baseline(cls, data: HazardData, parameters: NextOrderParameters) -> Self:
        """The renewal baseline alone, calibrated like the model."""
        edges = interval_edges(data.horizon_days)
        baseline = RenewalBaseline.fit(data.training, data.median_gap_days)
        curves = baseline.curves(data.calibration.features, edges)
        return cls(edges, baseline, None, HazardCalibration.fit(curves, data.calibration, parameters.least_chance))

    def predict(self, features: np.ndarray, threads: int = 1) -> HazardCurves:
        """Each customer's calibrated curve, given the time since the last order; (customers, len(STATIC_FEATURES))."""
        if self.trees is None:
            return self.calibration.apply(self.baseline.curves(features, self.edges))
        return self.calibration.apply(_uncalibrated(self.trees, self.baseline, self.edges, features, threads))

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write parameters.json, which also repeats `facts` about the fit, and the trees in model.txt."""
        content = {
            "edges": self.edges.tolist(),
            "baseline": self.baseline.to_json(),
            "calibration": self.calibration.to_json(),
        }
        write_parameters(folder, facts | content, FEATURES)
        if self.trees is not None:
            self.trees.write(folder / TREES_FILE)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote; raises BundleRefused where the features are not those of this version."""
        stored, has_trees = read_parameters(folder, FEATURES), (folder / TREES_FILE).is_file()
        return cls(
            edges=np.asarray(stored["edges"], dtype=float),
            baseline=RenewalBaseline.from_json(stored["baseline"]),
            trees=BoostedTrees.read(folder / TREES_FILE) if has_trees else None,
            calibration=HazardCalibration(**stored["calibration"]),
        )


def _fit_trees(
    training: Sequence[CensoredCustomers],
    baseline: RenewalBaseline,
    edges: np.ndarray,
    parameters: NextOrderParameters,
    context: FitContext,
) -> BoostedTrees:
    random = np.random.default_rng(context.seed)
    max_rows = parameters.max_training_rows / len(training)
    parts = [_person_periods(customers, baseline, edges, max_rows, random) for customers in training]
    rows, ordered, weights, expected = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    chosen = settings(
        seed=context.seed,
        threads=min(context.threads, 1 + len(ordered) // ROWS_PER_THREAD),
        objective="binary",
        boost_from_average=False,
        learning_rate=parameters.learning_rate,
        num_leaves=parameters.leaves,
        min_data_in_leaf=parameters.min_rows_per_leaf,
        lambda_l2=parameters.leaf_penalty,
        feature_fraction=0.7,
        bagging_fraction=0.8,
        bagging_freq=1,
    )
    data = lgb.Dataset(rows, ordered, weight=weights, init_score=logit(expected), feature_name=list(FEATURES))
    return BoostedTrees.of(lgb.train(chosen, data, parameters.trees))


def _person_periods(
    customers: CensoredCustomers,
    baseline: RenewalBaseline,
    edges: np.ndarray,
    max_rows: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One row per customer and interval: features, whether an order came, weight, and the baseline's hazard.

    Only intervals that were observed to their end, up to the one of the order. Every interval with an order is kept;
    of the others a random sample, weighted to stand for all of them.
    """
    observed = int(np.searchsorted(edges, customers.follow_up_days, side="right")) - 1
    event = np.searchsorted(edges[: observed + 1], customers.event_days, side="left") - 1  # the order's interval
    lengths = np.minimum(np.maximum(event, 0) + 1, observed)
    row = np.repeat(np.arange(len(lengths)), lengths)
    intervals = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ordered = intervals == np.maximum(event, 0)[row]
    share = min(1.0, max_rows / max(len(ordered), 1))
    kept = ordered | (random.random(len(ordered)) < share)
    row, intervals, ordered = row[kept], intervals[kept], ordered[kept]
    expected = _hazards(baseline.curves(customers.features, edges))[row, intervals]
    rows = _rows(customers.features[row], _middles(edges)[intervals], baseline.median_gap_days)
    return rows, ordered.astype(np.int8), np.where(ordered, 1.0, 1.0 / share), expected


def _uncalibrated(
    trees: BoostedTrees, baseline: RenewalBaseline, edges: np.ndarray, features: np.ndarray, threads: int
) -> HazardCurves:
    """Each customer's curve, the sum of the hazards of the intervals, block by block."""
    middles = _middles(edges)
    cumulative = np.zeros((len(features), len(edges)))
    for start in range(0, len(features), BLOCK):
        block = features[start : start + BLOCK]
        repeated, ahead_days = np.repeat(block, len(middles), axis=0), np.tile(middles, len(block))
        rows = _rows(repeated, ahead_days, baseline.median_gap_days)
        correction = trees.score(rows, threads).reshape(len(block), -1)
        hazards = expit(logit(_hazards(baseline.curves(block, edges))) + correction)
        cumulative[start : start + BLOCK, 1:] = np.cumsum(-np.log1p(-np.clip(hazards, 0.0, 1 - MIN_HAZARD)), axis=1)
    return HazardCurves(edges, cumulative)


def _hazards(curves: HazardCurves) -> np.ndarray:
    """P(order in an interval, given none before it), (customers, intervals)."""
    return np.clip(-np.expm1(-np.diff(curves.hazards, axis=1)), MIN_HAZARD, 1 - MIN_HAZARD)


def _middles(edges: np.ndarray) -> np.ndarray:
    return np.asarray((edges[:-1] + edges[1:]) / 2)


def _rows(features: np.ndarray, ahead_days: np.ndarray, median_gap_days: float) -> np.ndarray:
    """FEATURES of customers `ahead_days` after the snapshot, (rows, len(FEATURES))."""
    elapsed = features[:, RECENCY] + ahead_days
    past_gap = elapsed - features[:, MEAN_GAP]
    deviation = np.maximum(features[:, STD_GAP], MIN_DEVIATION_DAYS)
    in_gaps = elapsed / gap_days(features, median_gap_days)
    time_varying = (ahead_days, elapsed, in_gaps, past_gap, past_gap / deviation)
    return np.column_stack([features, *time_varying]).astype(np.float32)
