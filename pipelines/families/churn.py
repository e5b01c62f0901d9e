"""The churn family: who will place no order within the horizon, against recency alone."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.churn.bands import LAPSED, ODDS_RATIO, churn_bands
from models.churn.explanations import REASONS, churn_reasons, lapse_reason
from models.churn.model import ChurnCases, ChurnModel, ChurnParameters
from models.churn.recency_baseline import RecencyModel
from models.customers.cadence import PurchaseCadence
from models.customers.features import FEATURES
from models.statistics.probability_metrics import probability_metrics, reliability_curve, share_coverage
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, TrainingData
from pipelines.families.snapshots import DAY, CustomerHistory, Snapshot

NAME: Final = "churn"
RISK: Final = c.CHURN_RISK
RISK_LOW: Final = c.CHURN_RISK_LOW
RISK_HIGH: Final = c.CHURN_RISK_HIGH
BAND: Final = c.CHURN_BAND
HORIZON: Final = "churn_horizon_days"
RISKS: Final = (RISK, RISK_LOW, RISK_HIGH)
OUTCOME: Final = c.CHURN_OUTCOME  # of the backtest: 1 where no order came
REASON_COLUMNS: Final = tuple(f"churn_reason_{number}" for number in range(1, REASONS + 1))
# Seasons shift how many customers come back, which no store with a year of history can foresee; beyond this the
# probability is not worth its name. Beyond chance, because ten bins of a small store are noisy.
MAX_ECE_EXCESS: Final = 0.1
REPLAYS: Final = 3
SNAPSHOTS_PER_HORIZON: Final = 4


@dataclass(frozen=True)
class _Fit:
    """The models as they would have been at `cut`, and what they were made from."""

    cut: datetime
    model: ChurnModel
    baseline: RecencyModel
    base_rate: float  # of the latest snapshot whose outcome was known
    facts: dict[str, Any]


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one horizon ago, predict the customers of that day, compare with what they did since."""
    history, cadence = data.history, data.history.cadence(data.parameters, NAME)
    cut = data.as_of - cadence.horizon_days * DAY
    fitted = _fit_at(cut, history, cadence, data)
    data.progress("churn: test")
    test, outcome = _labelled(history, cut, cadence, data.parameters)
    risk, low, high = fitted.model.risk_with_interval(matrix(history, test, cadence.horizon_days), data.threads)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(outcome),
        metrics=_metrics(outcome, risk),
        baseline_metrics=_metrics(outcome, fitted.baseline.risk(test.recency_days)),
        details=fitted.facts
        | {
            "reliability": reliability_curve(outcome, risk),
            "interval_coverage": share_coverage(outcome, risk, low, high),
        },
        predictions=_predictions(test, outcome, risk),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on everything, score every customer with an order who allows personalization."""
    history, cadence = data.history, data.history.cadence(data.parameters, NAME)
    fitted = _fit_at(data.as_of, history, cadence, data)
    data.progress("churn: score")
    table = _scored(history, fitted, cadence, data)

    def write_files(folder: Path) -> None:
        fitted.model.write(folder, fitted.facts)

    return FittedFamily(write_files, table, _described(cadence, fitted.base_rate), _replays(table))


def _fit_at(cut: datetime, history: CustomerHistory, cadence: PurchaseCadence, data: TrainingData) -> _Fit:
    """Train and calibrate on what was known at `cut`: outcomes are complete before the next step's snapshot."""
    parameters: ChurnParameters = data.parameters
    data.progress("churn: snapshots")
    labelled = _snapshots(history, cut, cadence, parameters)
    latest, latest_outcome = labelled[0]
    parts = [(matrix(history, snapshot, cadence.horizon_days), outcome) for _, (snapshot, outcome) in labelled.items()]
    cases = _numbered(list(labelled), parts, parameters.max_training_rows, data.seed)
    data.progress("churn: train")
    model = ChurnModel.fit(cases, SNAPSHOTS_PER_HORIZON, parameters, data.seed, data.threads)
    facts = {
        "horizon_days": cadence.horizon_days,
        "usual_gap_days": cadence.median_gap_days,
        "base_rate": float(latest_outcome.mean()),
        "training_snapshots": sorted(snapshot.at.isoformat() for snapshot, _ in labelled.values()),
        "training_rows": len(cases.outcome),
        "calibration_snapshot": latest.at.isoformat(),
        "calibration_rows": len(latest_outcome),
        "level_drift": model.calibration.drift,
    }
    earlier = [known for number, known in labelled.items() if number >= SNAPSHOTS_PER_HORIZON]
    recency = np.concatenate([snapshot.recency_days for snapshot, _ in earlier])
    outcomes = np.concatenate([known for _, known in earlier])
    baseline = RecencyModel.fit((recency, outcomes), (latest.recency_days, latest_outcome))
    return _Fit(cut, model, baseline, float(latest_outcome.mean()), facts)


def matrix(history: CustomerHistory, snapshot: Snapshot, horizon_days: int) -> np.ndarray:
    """The churn model's features of a snapshot's customers, (customers, len(MODEL_FEATURES))."""
    btyd = history.btyd_forecast(snapshot.customer_ids, snapshot.at, horizon_days)
    return np.column_stack([snapshot.features, btyd.features])


def _snapshots(
    history: CustomerHistory, cut: datetime, cadence: PurchaseCadence, parameters: ChurnParameters
) -> dict[int, tuple[Snapshot, np.ndarray]]:
    """Snapshots and outcomes by number, the latest, a horizon before `cut`, being 0.

    The latest and the one a horizon before it must have enough customers; others are taken where they have.
    """
    step = cadence.horizon_days * DAY / SNAPSHOTS_PER_HORIZON
    needed = (0, SNAPSHOTS_PER_HORIZON)
    found = {}
    for number in sorted({*needed, *range(parameters.snapshots)}):
        at = cut - cadence.horizon_days * DAY - number * step
        if number not in needed and at < cadence.first_order_at + 2 * step:
            continue
        try:
            found[number] = _labelled(history, at, cadence, parameters)
        except NotEnoughData:
            if number in needed:
                raise
    return found


def _labelled(
    history: CustomerHistory, at: datetime, cadence: PurchaseCadence, parameters: ChurnParameters
) -> tuple[Snapshot, np.ndarray]:
    """The snapshot and its outcomes; raises NotEnoughData where too few customers stayed or left."""
    snapshot = history.snapshot(at, cadence.horizon_days)
    assert snapshot.outcome is not None
    left = int(snapshot.outcome.sum())
    stayed = len(snapshot.outcome) - left
    if left + stayed < parameters.min_customers or min(left, stayed) < parameters.min_outcomes:
        raise NotEnoughData(
            f"churn needs {parameters.min_customers} customers at each point in time, of whom at least "
            f"{parameters.min_outcomes} came back within {cadence.horizon_days} days and {parameters.min_outcomes} did "
            f"not; on {at:%Y-%m-%d} there were {left + stayed}: {stayed} came back and {left} did not."
        )
    return snapshot, snapshot.outcome


def _numbered(numbers: list[int], parts: list[tuple[np.ndarray, np.ndarray]], max_rows: int, seed: int) -> ChurnCases:
    """All snapshots' cases, or a random `max_rows` of them."""
    cases = ChurnCases.stacked(parts)
    cases = ChurnCases(cases.features, cases.outcome, np.array(numbers)[cases.snapshot])
    if len(cases.outcome) <= max_rows:
        return cases
    return cases.only(np.sort(np.random.default_rng(seed).choice(len(cases.outcome), max_rows, replace=False)))


def _metrics(outcome: np.ndarray, risk: np.ndarray) -> dict[str, float | None]:
    return probability_metrics(outcome, risk) | {"base_rate": float(outcome.mean()), "cases": float(len(outcome))}


def _predictions(test: Snapshot, outcome: np.ndarray, risk: np.ndarray) -> pa.Table:
    orders = test.features[:, list(FEATURES).index(c.ORDERS)]
    columns = {c.CUSTOMER_ID: test.customer_ids, RISK: risk, OUTCOME: pa.array(outcome, pa.int8())}
    return pa.table(columns | {c.ORDERS: orders})


def _scored(history: CustomerHistory, fitted: _Fit, cadence: PurchaseCadence, data: TrainingData) -> pa.Table:
    """The columns of the customers' table, a row per customer."""
    customers = history.snapshot(data.as_of)
    is_active = customers.recency_days < cadence.lapse_days
    active = customers.taken(is_active)
    features = matrix(history, active, cadence.horizon_days)
    risks = np.full((len(is_active), 3), np.nan)
    risks[is_active] = np.round(np.column_stack(fitted.model.risk_with_interval(features, data.threads)), 4)
    risk = risks[is_active, 0]
    bands = churn_bands(risk, fitted.base_rate, active.recency_days, cadence.median_gap_days)
    told = churn_reasons(features, fitted.model.contributions(features, data.threads), bands)
    all_bands = np.full(len(is_active), LAPSED, dtype=object)
    all_bands[is_active] = bands
    reasons = np.full((len(is_active), REASONS), None, dtype=object)
    reasons[is_active] = np.array(told, dtype=object).reshape(-1, REASONS)
    reasons[~is_active, 0] = [
        lapse_reason(dict(zip(FEATURES, row, strict=True))) for row in customers.features[~is_active].tolist()
    ]
    columns = {
        c.CUSTOMER_ID: customers.customer_ids,
        **{name: pa.array(risks[:, n], pa.float64(), from_pandas=True) for n, name in enumerate(RISKS)},
        BAND: pa.array(all_bands, pa.string()),
        **{name: pa.array(reasons[:, n], pa.string()) for n, name in enumerate(REASON_COLUMNS)},
        HORIZON: pa.array(np.full(len(is_active), cadence.horizon_days), pa.int32()),
    }
    return pa.table(columns)


def _described(cadence: PurchaseCadence, base_rate: float) -> dict[str, str]:
    horizon = cadence.horizon_days
    lapsed = cadence.lapse_days
    reasons = {
        name: f"Reason {number} for the risk, the weightiest first; one that speaks for staying says so."
        for number, name in enumerate(REASON_COLUMNS, start=1)
    }
    return {
        RISK: f"Probability that the customer places no order in the next {horizon} days; empty where lapsed.",
        RISK_LOW: "Low end of the range in which, in 8 of 10 such periods, the share of customers like this one who "
        "stay away lies: wide where there are few customers or the seasons differ.",
        RISK_HIGH: "High end of that range.",
        BAND: f"high: the odds of staying away are at least {ODDS_RATIO:.0f} times those of the average customer (who "
        f"stays away in {base_rate:.0%} of cases), and no order within the store's usual gap of "
        f"{cadence.median_gap_days:.0f} days; low: at most 1/{ODDS_RATIO:.0f} of those odds; medium: between; "
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
    name=NAME,
    kind="customers",
    baseline="recency alone: logistic regression on the days since the last order",
    gate=Gate(metric="auc", higher_is_better=True, at_most={"ece_excess": MAX_ECE_EXCESS}),
    parameters=ChurnParameters,
    backtest=backtest,
    fit=fit,
)
