"""The value family: what each customer will spend within 30, 90 and 365 days, against the mean rate of the past."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from scipy.stats import spearmanr

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.btyd.model import MODEL_NAMES, PARETO_NBD, BTYDForecast
from models.customers.features import FEATURES
from models.lifetime_value.interval import ValueInterval
from models.lifetime_value.model import (
    Expectation,
    ValueCases,
    ValueForecaster,
    ValueModel,
    ValueParameters,
    spend_deviance,
)
from models.statistics.probability_metrics import normalised_gini
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.families.snapshots import DAY, Snapshot

HORIZONS: Final = (30, 90, 365)
ORDERS_90D: Final = "expected_orders_90d"
ORDERS_HORIZON: Final = 90
SHORTEST_DAYS: Final = 14  # periods shorter than that teach nothing
TREES: Final = "trees"  # the choice: corrected purchase models
REVENUE: Final = list(FEATURES).index("revenue")
TENURE: Final = list(FEATURES).index("tenure_days")
REPLAYS: Final = 3
HALF_CENT: Final = 0.005


@dataclass(frozen=True)
class ValuePrediction:
    """What is expected of everybody with an order, sorted by id."""

    customer_ids: pa.Array
    by_horizon: dict[int, Expectation]
    between: dict[int, tuple[np.ndarray, np.ndarray]]  # the 80 % interval of the spend


@dataclass(frozen=True)
class _View:
    """One snapshot within one horizon: the customers, what the purchase models expect, and what came, if known."""

    snapshot: Snapshot
    outlook: BTYDForecast
    orders: np.ndarray
    spend: np.ndarray

    @property
    def features(self) -> np.ndarray:
        return np.column_stack([self.snapshot.features, self.outlook.features])


def predict(data: TrainingData, horizons: tuple[int, ...] = HORIZONS) -> ValuePrediction:
    """What everybody with an order before `as_of` is expected to do within each of the horizons, in days."""
    past = _Past(data)
    forecaster, _ = past.forecaster(data.as_of, horizons)
    views = {horizon: past.view(data.as_of, horizon, forecaster.form) for horizon in horizons}
    expected = {days: forecaster.expectation(view.features, view.outlook, data.threads) for days, view in views.items()}
    between = {days: forecaster.interval.between(within.orders, within.spend) for days, within in expected.items()}
    return ValuePrediction(past.snapshot(data.as_of).customer_ids, expected, between)


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one test period ago, predict everybody of that day, compare with what they spent since."""
    past = _Past(data)
    days = past.test_days(data.as_of)
    cut = data.as_of - days * DAY
    forecaster, facts = past.forecaster(cut, (days,))
    data.progress("value: test")
    view = past.labelled(cut, days, forecaster.form)
    expected = forecaster.expectation(view.features, view.outlook, data.threads)
    low, high = forecaster.interval.between(expected.orders, expected.spend)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(view.spend),
        metrics=_metrics(view, expected.spend) | _order_metrics(view, expected.orders),
        baseline_metrics=_metrics(view, past_rate(view.snapshot, days)),
        details=facts | {"test_days": days, **interval_coverage(view.spend, low, high)},
        predictions=pa.table(
            {
                c.CUSTOMER_ID: view.snapshot.customer_ids,
                "expected_value": expected.spend,
                "expected_value_low": low,
                "expected_value_high": high,
                "value_outcome": view.spend,
                "expected_orders": expected.orders,
                "orders_outcome": view.orders,
            }
        ),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on everything, and say what everybody with an order who allows personalization is expected to spend."""
    past = _Past(data)
    forecaster, facts = past.forecaster(data.as_of, HORIZONS)
    data.progress("value: score")
    columns: dict[str, Any] = {c.CUSTOMER_ID: past.snapshot(data.as_of).customer_ids}
    for days in HORIZONS:
        view = past.view(data.as_of, days, forecaster.form)
        expected = forecaster.expectation(view.features, view.outlook, data.threads)
        low, high = forecaster.interval.between(expected.orders, expected.spend)
        name = f"expected_value_{days}d"
        columns |= {name: _cents(expected.spend), f"{name}_low": _cents(low), f"{name}_high": _cents(high)}
        if days == ORDERS_HORIZON:
            columns[ORDERS_90D] = np.round(expected.orders, 3)
    table = pa.table(columns)

    def write_files(folder: Path) -> None:
        forecaster.write(folder, facts)

    return FittedFamily(write_files, table, described(), _replays(table))


class _Past:
    """Snapshots of the store's customers, each computed once."""

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._parameters: ValueParameters = data.parameters
        self._history = data.history
        self._first = self._history.first_order_at()

    def snapshot(self, at: datetime) -> Snapshot:
        """Everybody with an order before `at`."""
        return self._history.snapshot(at)

    def view(self, at: datetime, days: int, form: str) -> _View:
        """What the purchase models expect; what came is not looked at, and 0."""
        customers = self.snapshot(at)
        outlook = self._history.btyd_forecast(customers.customer_ids, at, days, form)
        nothing = np.zeros(len(customers.customer_ids))
        return _View(customers, outlook, nothing, nothing)

    def labelled(self, at: datetime, days: int, form: str) -> _View:
        """What the purchase models expect, and what came."""
        customers = self.snapshot(at)
        outlook = self._history.btyd_forecast(customers.customer_ids, at, days, form)
        return _View(customers, outlook, *self._history.bought(customers.customer_ids, at, at + days * DAY))

    def test_days(self, cut: datetime) -> int:
        """The period that a forecast at `cut` is judged on before: `test_days`, or a third of a short history."""
        needed = self._parameters.min_history_days
        known = 0.0 if self._first is None else (cut - self._first) / DAY
        if known < needed:
            raise NotEnoughData(f"value needs {needed} days of orders; there are {known:.0f}.")
        return min(self._parameters.test_days, int(known / 3))

    def forecaster(self, cut: datetime, horizons: tuple[int, ...]) -> tuple[ValueForecaster, dict[str, Any]]:
        """What would have been published at `cut`, and facts about it; nothing at or after `cut` is looked at.

        A period before `cut` decides between the forms of the purchase models and the corrected ones, all fitted
        before it, and shows how far predictions are off.
        """
        days = self.test_days(cut)
        before = cut - days * DAY
        self._data.progress("value: choose")
        tried: dict[str, tuple[_View, Expectation]] = {}
        for form in MODEL_NAMES:
            view = self._enough(self.labelled(before, days, form))
            tried[form] = view, Expectation.of_outlook(view.outlook)
        times = self._times(cut)
        model = self._model(before, (days,), times)
        if model is not None:
            view = tried[PARETO_NBD][0]
            tried[TREES] = view, model.expectation(view.features, view.outlook, self._data.threads)
        errors = {name: spend_deviance(view.spend, expected.spend) for name, (view, expected) in tried.items()}
        choice = min(errors, key=lambda name: errors[name])
        view, expected = tried[choice]
        interval = ValueInterval.fit(expected.orders, expected.spend, view.spend)
        self._data.progress("value: train")
        facts = {"choice": choice, "errors": errors, "chosen_on": [before.isoformat(), cut.isoformat()]}
        final = self._model(cut, horizons, times) if choice == TREES else None
        return ValueForecaster(PARETO_NBD if choice == TREES else choice, final, interval), facts

    def _model(self, cut: datetime, horizons: tuple[int, ...], times: list[datetime]) -> ValueModel | None:
        """Corrections learned on snapshots of which enough days are known at `cut`; None where they teach nothing."""
        parts = []
        for number, at in enumerate(time for time in times if time <= cut - SHORTEST_DAYS * DAY):
            for days in sorted({min(days, int((cut - at) / DAY)) for days in horizons}):
                view = self.labelled(at, days, PARETO_NBD)
                weight = np.full(len(view.orders), 0.5 ** (number / self._parameters.snapshot_half_life))
                parts.append(ValueCases(view.features, view.outlook, view.orders, view.spend, weight))
        cases = ValueCases.joined(parts, self._parameters.max_training_rows, self._data.seed) if parts else None
        fewest = self._parameters.min_buyers
        if cases is None or not fewest <= (cases.spend > 0).sum() <= len(cases.spend) - fewest:
            return None
        model = ValueModel.fit(cases, self._parameters, self._data.seed, self._data.threads)
        now = self.view(cut, max(horizons), PARETO_NBD)
        return model.levelled(now.features, now.outlook, self._data.threads)

    def _times(self, cut: datetime) -> list[datetime]:
        """Evenly spaced whole days back from `cut`, the latest first, over the later four fifths of the history."""
        assert self._first is not None
        known = (cut - self._first) / DAY
        backs = np.unique(np.linspace(2 * SHORTEST_DAYS, 0.8 * known, self._parameters.snapshots).astype(int))
        return [cut - int(back) * DAY for back in backs if SHORTEST_DAYS <= back <= 0.9 * known]

    def _enough(self, view: _View) -> _View:
        customers, buyers = len(view.orders), int((view.orders > 0).sum())
        least, fewest = self._parameters.min_customers, self._parameters.min_buyers
        if customers < least or buyers < fewest:
            raise NotEnoughData(
                f"value needs {least} customers at {view.snapshot.at:%Y-%m-%d}, of whom {fewest} ordered again; there "
                f"are {customers}, of whom {buyers} did."
            )
        return view


def past_rate(customers: Snapshot, days: int) -> np.ndarray:
    """The baseline: everybody goes on spending as they did per day since their first order, (customers,)."""
    spent, tenure = customers.features[:, REVENUE], customers.features[:, TENURE]
    rate: np.ndarray = spent / np.maximum(tenure, days) * days
    return rate


def interval_coverage(spend: np.ndarray, low: np.ndarray, high: np.ndarray) -> dict[str, float]:
    """In what share of cases the spend lay within; more than nominal where most spend nothing at all."""
    within = (spend >= low - HALF_CENT) & (spend <= high + HALF_CENT)
    return {"interval_coverage": float(within.mean())}


def described() -> dict[str, str]:
    """The columns in a marketer's words."""
    told: dict[str, str] = {}
    for days in HORIZONS:
        name = f"expected_value_{days}d"
        told |= {
            name: f"What the customer is expected to spend in the next {days} days, in the store's currency.",
            f"{name}_low": f"Low end of the range in which 8 of 10 such customers' spend of {days} days lies.",
            f"{name}_high": f"High end of the range in which 8 of 10 such customers' spend of {days} days lies.",
        }
    return told | {ORDERS_90D: "How many orders the customer is expected to place in the next 90 days."}


def _metrics(view: _View, expected: np.ndarray) -> Metrics:
    total = float(view.spend.sum())
    return {
        "spend_gini": normalised_gini(view.spend, expected),
        "spend_spearman": _spearman(view.spend, expected),
        "spend_mae": float(np.abs(view.spend - expected).mean()),
        "spend_total_error": float(expected.sum()) / total - 1 if total > 0 else None,
        "spend_deviance": spend_deviance(view.spend, expected),
    }


def _order_metrics(view: _View, expected: np.ndarray) -> Metrics:
    total = float(view.orders.sum())
    return {
        "orders_mae": float(np.abs(view.orders - expected).mean()),
        "orders_total_error": float(expected.sum()) / total - 1 if total > 0 else None,
    }


def _spearman(actual: np.ndarray, expected: np.ndarray) -> float | None:
    if len(actual) < 2 or np.ptp(actual) == 0 or np.ptp(expected) == 0:
        return None
    return float(spearmanr(actual, expected).statistic)


def _cents(money: np.ndarray) -> np.ndarray:
    rounded: np.ndarray = np.round(money, 2)
    return rounded


def _replays(table: pa.Table) -> list[Replay]:
    """The customers of least, middle and greatest expected value, asked again before the bundle is served."""
    name = f"expected_value_{ORDERS_HORIZON}d"
    ordered = table.sort_by([(name, "ascending"), (c.CUSTOMER_ID, "ascending")])
    rows = sorted({0, ordered.num_rows // 2, ordered.num_rows - 1})[:REPLAYS] if ordered.num_rows else []
    return [
        Replay(route="customer", request={c.CUSTOMER_ID: row[c.CUSTOMER_ID]}, expected={name: row[name]})
        for row in ordered.take(rows).to_pylist()
    ]


VALUE: Final = Family(
    name="value",
    kind="customers",
    baseline="the mean rate of the past: everybody goes on spending as since the first order",
    gate=Gate(metric="spend_gini", higher_is_better=True),
    parameters=ValueParameters,
    backtest=backtest,
    fit=fit,
)
