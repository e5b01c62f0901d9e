"""The next_order family: when each customer's next order is expected, against the customer's own rhythm alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.next_purchase.calibration import COVERAGE, OrderCalibration
from models.next_purchase.censored_customers import NUMBERS, Followed, dates_after, own_gaps
from models.next_purchase.hazard_curves import OrderCurves, interval_edges
from models.next_purchase.hazard_model import SOON_DAYS, NextOrderModel, NextOrderParameters
from models.next_purchase.renewal_baseline import OwnRhythm
from models.statistics.probability_metrics import probability_metrics
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.families.next_purchase.snapshots import (
    FollowedCustomers,
    followed_customers,
    horizon_days,
    usual_gap_days,
)
from pipelines.families.snapshots import DAY, CustomerHistory
from pipelines.features.orders import DAY_SECONDS

EXPECTED: Final = c.NEXT_ORDER_EXPECTED
FROM: Final = c.NEXT_ORDER_FROM
TO: Final = c.NEXT_ORDER_TO
SOON: Final = "next_order_probability_30d"
OUTCOME: Final = "next_order_outcome_30d"  # of the backtest: 1 where an order came
# Seasons move when customers order, which no store with a year of history can foresee. Beyond chance, because a small
# store has few orders to count.
MAX_COVERAGE_EXCESS: Final = 0.1
REPLAYS: Final = 3


@dataclass(frozen=True)
class _Dated:
    """What is told of each customer, (customers,): whole dates after the instant; NaN where no date is told."""

    expected: np.ndarray
    first: np.ndarray
    last: np.ndarray
    soon: np.ndarray  # P(order within SOON_DAYS)


@dataclass(frozen=True)
class _Fit:
    """The model and its baseline as they would have been at `cut`, and what they were made from."""

    cut: datetime
    model: NextOrderModel
    rhythm_calibration: OrderCalibration
    facts: dict[str, Any]

    def own_rhythm_curves(self, numbers: np.ndarray) -> OrderCurves:
        """The baseline's, calibrated like ours."""
        return self.rhythm_calibration.applied(self.model.rhythm.curves(numbers, self.model.edges))


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one horizon ago, say when the customers of that day order next, compare with what they did since."""
    days = horizon_days(data.history, data.parameters)
    cut = data.as_of - days * DAY
    fitted = _fit_at(cut, data.history, days, data)
    data.progress("next_order: test")
    test = followed_customers(data.history, cut, data.as_of)
    followed = test.followed
    ours = fitted.model.curves(followed.numbers, data.threads)
    baseline = fitted.own_rhythm_curves(followed.numbers)
    metrics = _judged(ours, fitted.model.calibration, followed, data.parameters)
    point = _own_gap_days(followed.numbers, fitted.model.rhythm.usual_gap_days)
    rows = np.flatnonzero(followed.next_days <= days)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(followed.next_days),
        metrics=metrics,
        baseline_metrics=_judged(baseline, fitted.rhythm_calibration, followed, data.parameters),
        details=fitted.facts
        | {"own_gap_error_days": _mean(np.abs(point[rows] - followed.next_days[rows])), "orders": len(rows)},
        predictions=_predictions(test, ours),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on everything, date the next order of every customer with one who allows personalization."""
    fitted = _fit_at(data.as_of, data.history, horizon_days(data.history, data.parameters), data)
    data.progress("next_order: score")
    customers = followed_customers(data.history, data.as_of, data.as_of)
    curves = fitted.model.curves(customers.followed.numbers, data.threads)
    dated = _dated(curves, fitted.model.calibration, customers.followed, data.parameters)
    table = _table(customers.ids, dated, data.as_of)

    def write_files(folder: Path) -> None:
        fitted.model.write(folder, fitted.facts)

    return FittedFamily(write_files, table, _described(fitted.facts["horizon_days"], data), _replays(table))


def _fit_at(cut: datetime, history: CustomerHistory, days: int, data: TrainingData) -> _Fit:
    """Train on what was known a horizon before `cut`, calibrate on the horizon since: neither sees beyond."""
    parameters: NextOrderParameters = data.parameters
    data.progress("next_order: snapshots")
    later_at = cut - days * DAY
    later = _enough(followed_customers(history, later_at, cut).followed, later_at, parameters)
    times = sorted(later_at - days * DAY / 2**number for number in range(parameters.snapshots))
    training = [followed_customers(history, at, later_at).followed for at in times]
    _enough(training[0], times[0], parameters)
    data.progress("next_order: train")
    rhythm = OwnRhythm.fit(training, usual_gap_days(history, later_at))
    edges = interval_edges(days)
    model = NextOrderModel.fit(training, later, rhythm, edges, parameters, data.seed, data.threads)
    calibration = OrderCalibration.fit(rhythm.curves(later.numbers, edges), later, parameters.least_chance)
    facts = {
        "horizon_days": days,
        "usual_gap_days": rhythm.usual_gap_days,
        "training_snapshots": [at.isoformat() for at in times],
        "calibration_snapshot": later_at.isoformat(),
        "calibration_orders": int((later.next_days <= days).sum()),
    }
    return _Fit(cut, model, calibration, facts)


def _enough(followed: Followed, at: datetime, parameters: NextOrderParameters) -> Followed:
    customers, came = len(followed.next_days), int(np.isfinite(followed.next_days).sum())
    if customers < parameters.min_customers or came < parameters.min_orders:
        raise NotEnoughData(
            f"next_order needs {parameters.min_customers} known customers, of whom {parameters.min_orders} order again "
            f"within {followed.followed_days:.0f} days; on {at:%Y-%m-%d} there were {customers}, and {came} did."
        )
    return followed


def _dated(
    curves: OrderCurves, calibration: OrderCalibration, followed: Followed, parameters: NextOrderParameters
) -> _Dated:
    is_told = curves.chance_within(curves.horizon_days) >= parameters.least_chance

    def dates(level: float) -> np.ndarray:
        return np.where(is_told, dates_after(curves.days_until(level), followed.day_fraction), np.nan)

    return _Dated(
        expected=dates(calibration.middle),
        first=dates(calibration.low),
        last=dates(calibration.high),
        soon=curves.chance_within(SOON_DAYS),
    )


def _judged(
    curves: OrderCurves, calibration: OrderCalibration, followed: Followed, parameters: NextOrderParameters
) -> Metrics:
    """How good curves and dates were, of customers who were watched for the whole horizon."""
    dated = _dated(curves, calibration, followed, parameters)
    came = followed.next_days <= curves.horizon_days
    rows = np.flatnonzero(came & ~np.isnan(dated.expected))
    dates = dates_after(followed.next_days[rows], followed.day_fraction)
    coverage = _mean((dates >= dated.first[rows]) & (dates <= dated.last[rows]))
    by_chance = np.sqrt(2 / np.pi * COVERAGE * (1 - COVERAGE) / max(len(rows), 1))
    soon = probability_metrics((followed.next_days <= SOON_DAYS).astype(np.int8), dated.soon)
    return {
        "crps_days": _mean(curves.crps_days(followed.next_days)),
        "coverage_80": coverage,
        "coverage_excess": None if coverage is None else max(abs(coverage - COVERAGE) - float(by_chance), 0.0),
        "range_days": _mean((dated.last - dated.first + 1)[rows]),
        "error_days": _mean(np.abs(dates - dated.expected[rows])),
        "dated_share": _mean(~np.isnan(dated.expected)),
        "auc_30d": soon["auc"],
        "brier_30d": soon["brier"],
        "ece_30d": soon["ece"],
    }


def _predictions(test: FollowedCustomers, curves: OrderCurves) -> pa.Table:
    outcome = (test.followed.next_days <= SOON_DAYS).astype(np.int8)
    return pa.table({c.CUSTOMER_ID: test.ids, SOON: np.round(curves.chance_within(SOON_DAYS), 4), OUTCOME: outcome})


def _own_gap_days(numbers: np.ndarray, usual_gap_days: float) -> np.ndarray:
    """One own gap after the last order, never in the past: what a calendar and a pencil say."""
    recency = numbers[:, NUMBERS.index("recency_days")]
    days: np.ndarray = np.maximum(own_gaps(numbers, usual_gap_days) - recency, 0.0)
    return days


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _table(ids: pa.Array, dated: _Dated, as_of: datetime) -> pa.Table:
    """The columns of the customers' table, a row per customer."""
    today = int(as_of.timestamp() // DAY_SECONDS)
    dates = {EXPECTED: dated.expected, FROM: dated.first, TO: dated.last}
    columns = {
        name: pa.array(today + days, pa.float64(), from_pandas=True).cast(pa.int32()).cast(pa.date32())
        for name, days in dates.items()
    }
    return pa.table({c.CUSTOMER_ID: ids, **columns, SOON: pa.array(np.round(dated.soon, 4))})


def _described(horizon_days: int, data: TrainingData) -> dict[str, str]:
    least = data.parameters.least_chance
    told = (
        f"Looks {horizon_days} days ahead from {data.as_of:%Y-%m-%d}, given the silence so far; empty where an order "
        f"in that time is unlikely (below {least:.0%})."
    )
    return {
        EXPECTED: f"Date by which half of such customers have placed their next order, if they order at all. {told}",
        FROM: "First date of the range in which 8 of 10 next orders fall, of the customers who order at all; empty "
        "where no date is expected.",
        TO: "Last date of the range in which 8 of 10 next orders fall; empty where no date is expected.",
        SOON: f"Probability that the customer places an order in the next {SOON_DAYS} days.",
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
    gate=Gate(metric="crps_days", higher_is_better=False, at_most={"coverage_excess": MAX_COVERAGE_EXCESS}),
    parameters=NextOrderParameters,
    backtest=backtest,
    fit=fit,
)
