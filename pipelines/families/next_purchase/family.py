"""The next_order family: when each customer's next order is expected, against a renewal baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.next_purchase.calibration import COVERAGE, HazardCalibration
from models.next_purchase.censored_customers import RECENCY, CensoredCustomers, dates_after, gap_days
from models.next_purchase.hazard_curves import HazardCurves
from models.next_purchase.model import FEATURES, SOON_DAYS, HazardData, HazardModel, NextOrderParameters
from models.protocol import FitContext
from models.statistics.paired_bootstrap import PairedCases
from models.statistics.probability_metrics import probability_metrics
from models.stored_parameters import read_parameters
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, Rescored, TrainingData
from pipelines.families.next_purchase.published_columns import (
    SOON,
    coherent_with_churn,
    next_order_dates,
    own_table,
)
from pipelines.families.next_purchase.snapshots import (
    CensoredSnapshot,
    censored_snapshot,
    horizon_days,
    median_gap_days,
)
from pipelines.families.snapshots import DAY, CustomerHistory

EXPECTED: Final = c.NEXT_ORDER_EXPECTED
FROM: Final = c.NEXT_ORDER_FROM
TO: Final = c.NEXT_ORDER_TO
OUTCOME: Final = "next_order_outcome_30d"  # of the backtest: 1 where an order came
# Above what chance explains in so few orders. A store with a year of history cannot foresee a change of season.
MAX_COVERAGE_EXCESS: Final = 0.1
LEAST_CHANCE: Final = "least_chance"  # of the stored facts
REPLAYS: Final = 3


@dataclass(frozen=True)
class DatedFit:
    """The training cases as of `cut`. The model and its baseline are fitted when they are first asked for."""

    cut: datetime
    cases: HazardData
    parameters: NextOrderParameters
    context: FitContext
    facts: dict[str, Any]  # about the cases; stored with the model or the baseline

    @cached_property
    def model(self) -> HazardModel:
        return HazardModel.fit(self.cases, self.parameters, self.context)

    @cached_property
    def baseline(self) -> HazardModel:
        return HazardModel.fit_baseline(self.cases, self.parameters)


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one horizon ago, predict the next orders of that day's customers, compare with what they did since."""
    days = horizon_days(data.history, data.parameters)
    cut = data.as_of - days * DAY
    fitted = fit_at(cut, data.history, days, data)
    data.progress("next_order: test")
    test = censored_snapshot(data.history, cut, data.as_of)
    customers = test.customers
    curves = fitted.model.predict(customers.features, data.threads)
    baseline = fitted.baseline.predict(customers.features)
    point = _one_gap_later(customers.features, fitted.cases.median_gap_days)
    rows = np.flatnonzero(customers.event_days <= days)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(customers.event_days),
        metrics=_metrics(curves, fitted.model.calibration, customers, data.parameters),
        baseline_metrics=_metrics(baseline, fitted.baseline.calibration, customers, data.parameters),
        paired=PairedCases.of_own_units(
            curves.crps_days(customers.event_days), baseline.crps_days(customers.event_days)
        ),
        baseline_name="the customer's own mean gap",
        details=fitted.facts
        | {"own_gap_error_days": _mean(np.abs(point[rows] - customers.event_days[rows])), "orders": len(rows)},
        predictions=_predictions(test, curves),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on everything, date the next order of every customer with an order who allows personalization."""
    fitted = _fit_now(data)
    return _family_of(fitted.model, fitted.facts, data)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same by the renewal baseline."""
    fitted = _fit_now(data)
    return _family_of(fitted.baseline, fitted.facts, data)


def _fit_now(data: TrainingData) -> DatedFit:
    return fit_at(data.as_of, data.history, horizon_days(data.history, data.parameters), data)


def _family_of(model: HazardModel, facts: dict[str, Any], data: TrainingData) -> FittedFamily:
    data.progress("next_order: score")
    table = _table(model, data, facts[LEAST_CHANCE])

    def write_files(folder: Path) -> None:
        model.write(folder, facts)

    return FittedFamily(write_files, table, _described(facts["horizon_days"], data), _replays(table))


def rescore(data: TrainingData, folder: Path) -> Rescored:
    """Date the next order of all customers as of now by a stored model."""
    table = _table(HazardModel.read(folder), data, read_parameters(folder, FEATURES)[LEAST_CHANCE])
    return Rescored(table, _replays(table))


def fit_at(cut: datetime, history: CustomerHistory, days: int, data: TrainingData) -> DatedFit:
    """Train on snapshots that end a horizon before `cut`, calibrate on the horizon since; neither sees beyond `cut`."""
    parameters: NextOrderParameters = data.parameters
    data.progress("next_order: snapshots")
    later_at = cut - days * DAY
    later = _enough(censored_snapshot(history, later_at, cut).customers, later_at, parameters)
    times = sorted(later_at - days * DAY / 2**number for number in range(parameters.snapshots))
    training = [censored_snapshot(history, at, later_at).customers for at in times]
    _enough(training[0], times[0], parameters)
    data.progress("next_order: train")
    cases = HazardData(training, later, median_gap_days(history, later_at), days)
    facts = {
        "horizon_days": days,
        LEAST_CHANCE: parameters.least_chance,
        "usual_gap_days": cases.median_gap_days,
        "training_snapshots": [at.isoformat() for at in times],
        "calibration_snapshot": later_at.isoformat(),
        "calibration_orders": int((later.event_days <= days).sum()),
    }
    return DatedFit(cut, cases, parameters, FitContext(data.seed, data.threads), facts)


def _enough(customers: CensoredCustomers, at: datetime, parameters: NextOrderParameters) -> CensoredCustomers:
    count, ordered = len(customers.event_days), int(np.isfinite(customers.event_days).sum())
    if count < parameters.min_customers or ordered < parameters.min_orders:
        raise NotEnoughData(
            f"next_order needs {parameters.min_customers} known customers, of whom {parameters.min_orders} order again "
            f"within {customers.follow_up_days:.0f} days; on {at:%Y-%m-%d} there were {count}, and {ordered} did."
        )
    return customers


def _metrics(
    curves: HazardCurves,
    calibration: HazardCalibration,
    customers: CensoredCustomers,
    parameters: NextOrderParameters,
) -> Metrics:
    """Metrics of curves and dates, on customers who were observed for the whole horizon."""
    predicted = next_order_dates(curves, calibration, customers.day_fraction, parameters.least_chance)
    ordered = customers.event_days <= curves.horizon_days
    rows, dated = (np.flatnonzero(ordered & ~np.isnan(days)) for days in (predicted.first, predicted.expected))
    came = dates_after(customers.event_days, customers.day_fraction)
    dates = came[rows]
    coverage = _mean((dates >= predicted.first[rows]) & (dates <= predicted.last[rows]))
    by_chance = np.sqrt(2 / np.pi * COVERAGE * (1 - COVERAGE) / max(len(rows), 1))
    soon = probability_metrics((customers.event_days <= SOON_DAYS).astype(np.int8), predicted.soon)
    return {
        "crps_days": _mean(curves.crps_days(customers.event_days)),
        "coverage_80": coverage,
        "coverage_excess": None if coverage is None else max(abs(coverage - COVERAGE) - float(by_chance), 0.0),
        "range_days": _mean((predicted.last - predicted.first + 1)[rows]),
        "error_days": _mean(np.abs(came[dated] - predicted.expected[dated])),
        "dated_share": _mean(~np.isnan(predicted.expected)),
        "auc_30d": soon["auc"],
        "brier_30d": soon["brier"],
        "ece_30d": soon["ece"],
    }


def _predictions(test: CensoredSnapshot, curves: HazardCurves) -> pa.Table:
    outcome = (test.customers.event_days <= SOON_DAYS).astype(np.int8)
    probability = np.round(curves.event_probability(SOON_DAYS), 4)
    return pa.table({c.CUSTOMER_ID: test.ids, SOON: probability, OUTCOME: outcome})


def _one_gap_later(features: np.ndarray, median_gap_days: float) -> np.ndarray:
    """The plainest point forecast, (customers,) days ahead: one mean gap after the last order, never in the past."""
    days = gap_days(features, median_gap_days) - features[:, RECENCY]
    return np.asarray(np.maximum(days, 0.0))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _table(model: HazardModel, data: TrainingData, least_chance: float) -> pa.Table:
    """The family's table as of now, a row per customer."""
    snapshot = censored_snapshot(data.history, data.as_of, data.as_of)
    curves = model.predict(snapshot.customers.features, data.threads)
    return own_table(snapshot.ids, curves, model.calibration, data.as_of, least_chance)


def _described(horizon_days: int, data: TrainingData) -> dict[str, str]:
    least = data.parameters.least_chance
    horizon = f"Looks {horizon_days} days ahead, given the days since the last order"
    return {
        EXPECTED: "Date by which half of such customers have placed their next order; empty where fewer than half do. "
        f"{horizon}.",
        FROM: "First date of the range in which 8 of 10 next orders fall, of the customers who order at all. "
        f"{horizon}; empty where an order in that time is unlikely (below {least:.0%}).",
        TO: "Last date of the range in which 8 of 10 next orders fall; empty where no range is given. The range is "
        "extended to the expected date.",
        SOON: f"Probability that the customer places an order in the next {SOON_DAYS} days. "
        "It agrees with the churn risk, where there is one.",
    }


def _replays(table: pa.Table) -> list[Replay]:
    """The customers of lowest, middle and highest probability, asked again before the bundle is served."""
    ordered: Sequence[dict[str, Any]] = table.sort_by([(SOON, "ascending"), (c.CUSTOMER_ID, "ascending")]).to_pylist()
    places = sorted({0, len(ordered) // 2, len(ordered) - 1})[:REPLAYS] if ordered else []
    return [
        Replay("customer", {c.CUSTOMER_ID: ordered[place][c.CUSTOMER_ID]}, {SOON: ordered[place][SOON]})
        for place in places
    ]


NEXT_ORDER: Final = Family(
    name="next_order",
    kind="customers",
    baseline="the customer's own mean gap after the last order (the store's median gap for one-time buyers), spread as "
    "gaps are spread in this store",
    gate=Gate(
        "crps_days",
        higher_is_better=False,
        label="days off (CRPS)",
        unit="customers",
        at_most={"coverage_excess": MAX_COVERAGE_EXCESS},
    ),
    parameters=NextOrderParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    rescore=rescore,
    derive=coherent_with_churn,
)
