"""The churn family: which customers will place no order within the horizon, against RFM."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.churn.bands import LAPSED, ODDS_RATIO, churn_bands
from models.churn.explanations import EXPLANATIONS, explain_lapse, explain_risk
from models.churn.model import ChurnCases, ChurnModel, ChurnParameters
from models.customers.cadence import LAPSE_HORIZONS, PurchaseCadence
from models.customers.features import FEATURES, MODEL_FEATURES
from models.protocol import FitContext
from models.statistics.paired_bootstrap import PairedCases
from models.statistics.probability_metrics import probability_metrics, reliability_curve, share_coverage
from models.statistics.resampled_metrics import resampled_auc
from models.stored_parameters import read_parameters
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Rescored, TrainingData
from pipelines.families.snapshots import DAY, CustomerHistory, Snapshot

NAME: Final = "churn"
RISK: Final = c.CHURN_RISK
RISK_LOW: Final = c.CHURN_RISK_LOW
RISK_HIGH: Final = c.CHURN_RISK_HIGH
BAND: Final = c.CHURN_BAND
HORIZON: Final = c.CHURN_HORIZON_DAYS
RISKS: Final = (RISK, RISK_LOW, RISK_HIGH)
OUTCOME: Final = c.CHURN_OUTCOME  # of the backtest; 1: no order
# A year of history cannot predict how seasons shift the churn rate, so calibration may be off by this much. The part of
# the ECE that chance explains does not count, since ten bins of a small store are noisy.
MAX_ECE_EXCESS: Final = 0.1
REPLAYS: Final = 3
SNAPSHOTS_PER_HORIZON: Final = 4


@dataclass(frozen=True)
class ChurnFit:
    """The training cases as of a cut-off. The model and its baseline are fitted when they are first asked for."""

    cases: ChurnCases
    parameters: ChurnParameters
    context: FitContext
    known: dict[str, Any]  # facts about the cases; base_rate: of the latest snapshot whose outcome was known

    @cached_property
    def model(self) -> ChurnModel:
        return ChurnModel.fit(self.cases, self.parameters, self.context)

    @cached_property
    def baseline(self) -> ChurnModel:
        return ChurnModel.fit_baseline(self.cases, self.parameters, self.context)

    def facts(self, model: ChurnModel) -> dict[str, Any]:
        """What is stored with the model or the baseline."""
        return self.known | {"snapshot_std": model.calibration.snapshot_std}


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one horizon ago, predict the customers of that day, and compare with their outcomes."""
    history = data.history
    cadence = history.cadence_before_test(data.parameters, NAME)
    cut = data.as_of - cadence.horizon_days * DAY
    fitted = fit_at(cut, history, cadence, data)
    data.progress("churn: test")
    test, outcome = _labelled(history, cut, cadence, data.parameters)
    features = model_features(history, test, cadence.horizon_days)
    risk, low, high = fitted.model.predict(features, data.threads)
    baseline = fitted.baseline.predict(features, data.threads).risk
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(outcome),
        metrics=_metrics(outcome, risk),
        baseline_metrics=_metrics(outcome, baseline),
        paired=PairedCases.of_own_units(risk, baseline, partial(resampled_auc, outcome)),
        baseline_name="the RFM baseline",
        details=fitted.facts(fitted.model)
        | {
            "reliability": reliability_curve(outcome, risk),
            "interval_coverage": share_coverage(outcome, risk, low, high),
        },
        predictions=_predictions(test, outcome, risk),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit to everything before `as_of`, and score all customers with an order who allow personalization."""
    fitted = _fit_now(data)
    return _family_of(fitted.model, fitted.facts(fitted.model), data)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same by the RFM baseline."""
    fitted = _fit_now(data)
    return _family_of(fitted.baseline, fitted.facts(fitted.baseline), data)


def _fit_now(data: TrainingData) -> ChurnFit:
    return fit_at(data.as_of, data.history, data.history.cadence(data.parameters, NAME), data)


def _family_of(model: ChurnModel, facts: dict[str, Any], data: TrainingData) -> FittedFamily:
    data.progress("churn: score")
    table = _table(model, facts, data)

    def write_files(folder: Path) -> None:
        model.write(folder, facts)

    return FittedFamily(write_files, table, _column_descriptions(facts), _replays(table))


def rescore(data: TrainingData, folder: Path) -> Rescored:
    """Score all customers as of now by a stored model, with the horizon and the base rate of its fit."""
    table = _table(ChurnModel.read(folder), read_parameters(folder, MODEL_FEATURES), data)
    return Rescored(table, _replays(table))


def fit_at(cut: datetime, history: CustomerHistory, cadence: PurchaseCadence, data: TrainingData) -> ChurnFit:
    """The fit to what was known at `cut`."""
    parameters: ChurnParameters = data.parameters
    data.progress("churn: snapshots")
    labelled = _snapshots(history, cut, cadence, parameters)
    latest, latest_outcome = labelled[0]
    parts = {
        number: (model_features(history, snapshot, cadence.horizon_days), outcome)
        for number, (snapshot, outcome) in labelled.items()
    }
    cases = ChurnCases.concatenated(parts, SNAPSHOTS_PER_HORIZON).sampled(parameters.max_training_rows, data.seed)
    data.progress("churn: train")
    known = {
        "horizon_days": cadence.horizon_days,
        "usual_gap_days": cadence.median_gap_days,
        "base_rate": float(latest_outcome.mean()),
        "training_snapshots": sorted(snapshot.at.isoformat() for snapshot, _ in labelled.values()),
        "training_rows": len(cases.outcome),
        "calibration_snapshot": latest.at.isoformat(),
        "calibration_rows": len(latest_outcome),
    }
    return ChurnFit(cases, parameters, FitContext(data.seed, data.threads, data.progress), known)


def model_features(history: CustomerHistory, snapshot: Snapshot, horizon_days: int) -> np.ndarray:
    """The model's features of a snapshot's customers, (customers, len(MODEL_FEATURES))."""
    btyd = history.btyd_forecast(snapshot.customer_ids, snapshot.at, horizon_days)
    return np.column_stack([snapshot.features, btyd.features])


def _snapshots(
    history: CustomerHistory, cut: datetime, cadence: PurchaseCadence, parameters: ChurnParameters
) -> dict[int, tuple[Snapshot, np.ndarray]]:
    """Snapshots and outcomes by number; number 0 is the latest, a horizon before `cut`.

    Number 0 and the one a horizon before it must have enough customers. Others that have too few are left out.
    """
    step = cadence.horizon_days * DAY / SNAPSHOTS_PER_HORIZON
    needed = (0, SNAPSHOTS_PER_HORIZON)
    labelled = {}
    for number in sorted({*needed, *range(parameters.snapshots)}):
        at = cut - cadence.horizon_days * DAY - number * step
        if number not in needed and at < cadence.first_order_at + 2 * step:
            continue
        try:
            labelled[number] = _labelled(history, at, cadence, parameters)
        except NotEnoughData:
            if number in needed:
                raise
    return labelled


def _labelled(
    history: CustomerHistory, at: datetime, cadence: PurchaseCadence, parameters: ChurnParameters
) -> tuple[Snapshot, np.ndarray]:
    """The snapshot and its outcomes; raises NotEnoughData where too few customers were retained or churned."""
    snapshot = history.snapshot(at, cadence.horizon_days)
    assert snapshot.outcome is not None
    churned = int(snapshot.outcome.sum())
    retained = len(snapshot.outcome) - churned
    if len(snapshot.outcome) < parameters.min_customers or min(churned, retained) < parameters.min_outcomes:
        raise NotEnoughData(
            f"churn needs {parameters.min_customers} customers at each point in time, of whom at least "
            f"{parameters.min_outcomes} came back within {cadence.horizon_days} days and {parameters.min_outcomes} did "
            f"not; on {at:%Y-%m-%d} there were {len(snapshot.outcome)}: {retained} came back and {churned} did not."
        )
    return snapshot, snapshot.outcome


def _metrics(outcome: np.ndarray, risk: np.ndarray) -> dict[str, float | None]:
    return probability_metrics(outcome, risk) | {"base_rate": float(outcome.mean()), "cases": float(len(outcome))}


def _predictions(test: Snapshot, outcome: np.ndarray, risk: np.ndarray) -> pa.Table:
    orders = test.features[:, list(FEATURES).index(c.ORDERS)]
    columns = {c.CUSTOMER_ID: test.customer_ids, RISK: risk, OUTCOME: pa.array(outcome, pa.int8())}
    return pa.table(columns | {c.ORDERS: orders})


def _table(model: ChurnModel, facts: dict[str, Any], data: TrainingData) -> pa.Table:
    """The family's columns as of now, a row per customer; `facts` are those of the model's fit."""
    customers, horizon_days = data.history.snapshot(data.as_of), facts["horizon_days"]
    is_active = customers.recency_days < LAPSE_HORIZONS * horizon_days
    active = customers.subset(is_active)
    features = model_features(data.history, active, horizon_days)
    risks = np.full((len(is_active), 3), np.nan)
    risks[is_active] = np.round(np.column_stack(model.predict(features, data.threads)), 4)
    risk = risks[is_active, 0]
    bands = churn_bands(risk, facts["base_rate"], active.recency_days, facts["usual_gap_days"])
    all_bands = np.full(len(is_active), LAPSED, dtype=object)
    all_bands[is_active] = bands
    explanations = np.full((len(is_active), EXPLANATIONS), None, dtype=object)
    of_active = explain_risk(features, model.explain(features, data.threads), bands)
    explanations[is_active] = np.array(of_active, dtype=object).reshape(-1, EXPLANATIONS)
    explanations[~is_active, 0] = [
        explain_lapse(dict(zip(FEATURES, row, strict=True))) for row in customers.features[~is_active].tolist()
    ]
    columns = {
        c.CUSTOMER_ID: customers.customer_ids,
        **{name: pa.array(risks[:, n], pa.float64(), from_pandas=True) for n, name in enumerate(RISKS)},
        BAND: pa.array(all_bands, pa.string()),
        **{name: pa.array(explanations[:, n], pa.string()) for n, name in enumerate(c.CHURN_REASONS)},
        HORIZON: pa.array(np.full(len(is_active), horizon_days), pa.int32()),
    }
    return pa.table(columns)


def _column_descriptions(facts: dict[str, Any]) -> dict[str, str]:
    horizon = facts["horizon_days"]
    reasons = {
        name: f"Reason {number} for the risk, the strongest first; where the risk is not low, reasons that raise it "
        "come before those that lower it. A reason that lowers the risk says so."
        for number, name in enumerate(c.CHURN_REASONS, start=1)
    }
    return {
        RISK: f"Probability that the customer places no order in the next {horizon} days; empty where lapsed.",
        RISK_LOW: "Low end of the range that holds the share of similar customers without an order in 8 of 10 such "
        "periods: wide where there are few customers or the seasons differ.",
        RISK_HIGH: "High end of that range.",
        BAND: f"high: the odds of placing no order are at least {ODDS_RATIO:.0f} times those of the average customer "
        f"(whose probability is {facts['base_rate']:.0%}), and there is no order within the store's median gap of "
        f"{facts['usual_gap_days']:.0f} days; low: at most 1/{ODDS_RATIO:.0f} of those odds; medium: between; "
        f"lapsed: no order for {LAPSE_HORIZONS * horizon} days, not scored.",
        **reasons,
        HORIZON: "Days ahead that the risk covers: most returning customers of this store return within them.",
    }


def _replays(table: pa.Table) -> list[Replay]:
    """Requests for the customers of lowest, middle and highest risk, which are replayed before the bundle is served."""
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
    baseline="RFM: logistic regression on recency, tenure, number of orders and mean order value",
    gate=Gate("auc", higher_is_better=True, label="AUC", unit="customers", at_most={"ece_excess": MAX_ECE_EXCESS}),
    parameters=ChurnParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    rescore=rescore,
    shown_metrics=("auc", "average_precision", "brier", "ece", "lift_at_10"),
)
