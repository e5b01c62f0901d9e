"""The churn family: who will place no order within the horizon, against recency alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.churn import ChurnModel, ChurnParameters
from models.churn_bands import LAPSED, ODDS_RATIO, churn_bands
from models.churn_features import FEATURES
from models.metrics import probability_metrics, reliability_curve
from models.reasons import REASONS, churn_reasons, lapse_reason
from models.recency import RecencyModel
from pipelines.families.churn_snapshots import DAY, ELIGIBLE_HORIZONS, CustomerHistory, PurchaseRhythm, Snapshot
from pipelines.families.declaration import Backtest, Family, FittedFamily, Gate, TrainingData

RISK: Final = "churn_risk"
BAND: Final = "churn_band"
HORIZON: Final = "churn_horizon_days"
REASON_COLUMNS: Final = tuple(f"churn_reason_{number}" for number in range(1, REASONS + 1))
# Seasons shift how many customers come back, which no store with a year of history can foresee; beyond this the
# probability is not worth its name. Beyond chance, because ten bins of a small store are noisy.
MAX_ECE_EXCESS: Final = 0.1
REPLAYS: Final = 3


@dataclass(frozen=True)
class _Fit:
    """The models as they would have been at `cut`, and what they were made from."""

    cut: datetime
    model: ChurnModel
    baseline: RecencyModel
    base_rate: float  # of the calibration snapshot, the latest whose outcome was known
    facts: dict[str, Any]


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one horizon ago, predict the customers of that day, compare with what they did since."""
    history = CustomerHistory(data.events, data.as_of)
    rhythm = history.rhythm(data.parameters)
    cut = data.as_of - rhythm.horizon_days * DAY
    fitted = _fit_at(cut, history, rhythm, data)
    data.progress("churn: test")
    test, outcome = _labelled(history, cut, rhythm, data.parameters)
    risk = fitted.model.risk(test.features, data.threads)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(outcome),
        metrics=_metrics(outcome, risk),
        baseline_metrics=_metrics(outcome, fitted.baseline.risk(test.recency_days)),
        details=fitted.facts | {"reliability": reliability_curve(outcome, risk)},
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on everything, score every customer with an order who allows personalization."""
    history = CustomerHistory(data.events, data.as_of)
    rhythm = history.rhythm(data.parameters)
    fitted = _fit_at(data.as_of, history, rhythm, data)
    data.progress("churn: score")
    table = _scored(history.snapshot(data.as_of), fitted, rhythm, data.threads)

    def write_files(folder: Path) -> None:
        fitted.model.write(folder, fitted.facts)

    return FittedFamily(write_files, table, _described(rhythm, fitted.base_rate), _replays(table))


def _fit_at(cut: datetime, history: CustomerHistory, rhythm: PurchaseRhythm, data: TrainingData) -> _Fit:
    """Train and calibrate on what was known at `cut`: outcomes are complete before the next step's snapshot."""
    parameters: ChurnParameters = data.parameters
    horizon = rhythm.horizon_days * DAY
    data.progress("churn: snapshots")
    times = _training_times(cut - 2 * horizon, horizon, rhythm.first_order_at, parameters.snapshots)
    training = [_labelled(history, at, rhythm, parameters) for at in times]
    later, later_outcome = _labelled(history, cut - horizon, rhythm, parameters)
    features, outcome = _stacked(training, parameters.max_training_rows, data.seed)
    data.progress("churn: train")
    model = ChurnModel.fit((features, outcome), (later.features, later_outcome), parameters, data.seed, data.threads)
    recency = np.concatenate([snapshot.recency_days for snapshot, _ in training])
    outcomes = np.concatenate([known for _, known in training])
    facts = {
        "horizon_days": rhythm.horizon_days,
        "usual_gap_days": rhythm.usual_gap_days,
        "base_rate": float(later_outcome.mean()),
        "training_snapshots": [at.isoformat() for at in times],
        "training_rows": len(outcome),
        "calibration_snapshot": later.at.isoformat(),
        "calibration_rows": len(later_outcome),
        "calibration": model.calibration.to_json()["form"],
    }
    baseline = RecencyModel.fit((recency, outcomes), (later.recency_days, later_outcome))
    return _Fit(cut, model, baseline, float(later_outcome.mean()), facts)


def _training_times(latest: datetime, horizon: timedelta, first_order_at: datetime, count: int) -> list[datetime]:
    """Snapshots a quarter of a horizon apart, oldest first, that have at least half a horizon of history."""
    times = [latest - number * horizon / 4 for number in range(count)]
    kept = [at for at in times if at >= first_order_at + horizon / 2]
    return sorted(kept or times[:1])


def _labelled(
    history: CustomerHistory, at: datetime, rhythm: PurchaseRhythm, parameters: ChurnParameters
) -> tuple[Snapshot, np.ndarray]:
    """The snapshot and its outcomes; raises NotEnoughData where too few customers stayed or left."""
    snapshot = history.snapshot(at, rhythm.horizon_days)
    assert snapshot.outcome is not None
    left = int(snapshot.outcome.sum())
    stayed = len(snapshot.outcome) - left
    if left + stayed < parameters.min_customers or min(left, stayed) < parameters.min_outcomes:
        raise NotEnoughData(
            f"churn needs {parameters.min_customers} customers at each point in time, of whom at least "
            f"{parameters.min_outcomes} came back within {rhythm.horizon_days} days and {parameters.min_outcomes} did "
            f"not; on {at:%Y-%m-%d} there were {left + stayed}: {stayed} came back and {left} did not."
        )
    return snapshot, snapshot.outcome


def _stacked(training: list[tuple[Snapshot, np.ndarray]], max_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All snapshots' rows, or a random `max_rows` of them."""
    features = np.concatenate([snapshot.features for snapshot, _ in training])
    outcome = np.concatenate([known for _, known in training])
    if len(outcome) > max_rows:
        rows = np.sort(np.random.default_rng(seed).choice(len(outcome), max_rows, replace=False))
        features, outcome = features[rows], outcome[rows]
    return features, outcome


def _metrics(outcome: np.ndarray, risk: np.ndarray) -> dict[str, float | None]:
    return probability_metrics(outcome, risk) | {"base_rate": float(outcome.mean()), "cases": float(len(outcome))}


def _scored(customers: Snapshot, fitted: _Fit, rhythm: PurchaseRhythm, threads: int) -> pa.Table:
    """The columns of the customers' table, a row per customer."""
    is_active = customers.recency_days < ELIGIBLE_HORIZONS * rhythm.horizon_days
    active = customers.taken(is_active)
    risk = np.round(fitted.model.risk(active.features, threads), 4)
    bands = churn_bands(risk, fitted.base_rate, active.recency_days, rhythm.usual_gap_days)
    told = churn_reasons(active.features, fitted.model.contributions(active.features, threads), bands)
    all_risk = np.full(len(is_active), np.nan)
    all_risk[is_active] = risk
    all_bands = np.full(len(is_active), LAPSED, dtype=object)
    all_bands[is_active] = bands
    reasons = np.full((len(is_active), REASONS), None, dtype=object)
    reasons[is_active] = np.array(told, dtype=object).reshape(-1, REASONS)
    reasons[~is_active, 0] = [
        lapse_reason(dict(zip(FEATURES, row, strict=True))) for row in customers.features[~is_active].tolist()
    ]
    columns = {
        c.CUSTOMER_ID: customers.customer_ids,
        RISK: pa.array(all_risk, pa.float64(), from_pandas=True),
        BAND: pa.array(all_bands, pa.string()),
        **{name: pa.array(reasons[:, n], pa.string()) for n, name in enumerate(REASON_COLUMNS)},
        HORIZON: pa.array(np.full(len(is_active), rhythm.horizon_days), pa.int32()),
    }
    return pa.table(columns)


def _described(rhythm: PurchaseRhythm, base_rate: float) -> dict[str, str]:
    horizon = rhythm.horizon_days
    lapsed = ELIGIBLE_HORIZONS * horizon
    reasons = {
        name: f"Reason {number} for the risk, the weightiest first; one that speaks for staying says so."
        for number, name in enumerate(REASON_COLUMNS, start=1)
    }
    return {
        RISK: f"Probability that the customer places no order in the next {horizon} days; empty where lapsed.",
        BAND: f"high: the odds of staying away are at least {ODDS_RATIO:.0f} times those of the average customer (who "
        f"stays away in {base_rate:.0%} of cases), and no order within the store's usual gap of "
        f"{rhythm.usual_gap_days:.0f} days; low: at most 1/{ODDS_RATIO:.0f} of those odds; medium: between; "
        f"lapsed: no order for {lapsed} days, not scored.",
        **reasons,
        HORIZON: "The days ahead of which the risk speaks: how soon most returning customers of this store return.",
    }


def _replays(table: pa.Table) -> list[Replay]:
    """The customers of lowest, middle and highest risk, asked again before the bundle is served."""
    scored = table.filter(table[RISK].is_valid()).sort_by([(RISK, "ascending"), (c.CUSTOMER_ID, "ascending")])
    if not scored.num_rows:
        return []
    rows = sorted({0, scored.num_rows // 2, scored.num_rows - 1})[:REPLAYS]
    return [
        Replay(
            route="customer",
            request={c.CUSTOMER_ID: row[c.CUSTOMER_ID]},
            expected={RISK: row[RISK], BAND: row[BAND]},
        )
        for row in scored.take(rows).to_pylist()
    ]


CHURN: Final = Family(
    name="churn",
    kind="customers",
    baseline="recency alone: logistic regression on the days since the last order",
    gate=Gate(metric="auc", higher_is_better=True, at_most={"ece_excess": MAX_ECE_EXCESS}),
    parameters=ChurnParameters,
    backtest=backtest,
    fit=fit,
)
