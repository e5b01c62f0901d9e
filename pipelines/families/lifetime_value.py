"""The value family: what each customer will spend within 30, 90 and 365 days, against the mean rate of the past."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from scipy.stats import spearmanr

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import NotEnoughData
from models.btyd.model import MODEL_NAMES, PARETO_NBD
from models.lifetime_value.baseline import MEAN_RATE, MeanRateBaseline
from models.lifetime_value.cases import Expectation, ValueCases, ValueInputs, ValueParameters
from models.lifetime_value.corrections import Corrections
from models.lifetime_value.metrics import interval_coverage, spend_deviance
from models.lifetime_value.model import ValueModel, ValuePrediction, ValueTraining
from models.protocol import FitContext
from models.statistics.paired_bootstrap import PairedCases
from models.statistics.probability_metrics import normalised_gini
from models.statistics.resampled_metrics import resampled_gini
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, Rescored, TrainingData
from pipelines.families.order_floor import ORDERS_DAYS, with_orders_as_churn_says
from pipelines.families.snapshots import DAY, Snapshot

NAME: Final = "value"
HORIZONS: Final = (30, 90, 365)
MIN_PERIOD_DAYS: Final = 14  # a shorter period is not trained on
TREES: Final = "trees"  # the choice of a corrected BTYD forecast
REPLAYS: Final = 3
MIN_BASELINE_CUSTOMERS: Final = 10  # from whose errors its interval is learned


@dataclass(frozen=True)
class _Labelled:
    """A snapshot within one horizon, and what its customers ordered and spent."""

    snapshot: Snapshot
    inputs: ValueInputs
    orders: np.ndarray
    spend: np.ndarray


def predict(data: TrainingData, horizons: tuple[int, ...] = HORIZONS) -> tuple[pa.Array, dict[int, ValuePrediction]]:
    """Ids of all customers with an order before `as_of`, sorted, and their predictions by horizon in days."""
    past = _Past(data)
    model, _ = past.fit(data.as_of, horizons)
    return past.snapshot(data.as_of).customer_ids, past.predict(model, horizons)


def backtest(data: TrainingData) -> Backtest:
    """Fit as of one test period ago, predict the customers of that day, and compare with what they spent since."""
    past = _Past(data)
    days = past.test_days(data.as_of)
    cut = data.as_of - days * DAY
    model, facts = past.fit(cut, (days,))
    data.progress("value: test")
    test = past.labelled(cut, days, model.model_name)
    expected = model.predict(test.inputs, data.threads)
    coverage = interval_coverage(test.spend, expected.low, expected.high)
    baseline = Expectation.of_btyd(MeanRateBaseline(days).forecast(test.snapshot.features))
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(test.spend),
        metrics=_spend_metrics(test.spend, expected.spend) | _order_metrics(test.orders, expected.orders),
        baseline_metrics=_spend_metrics(test.spend, baseline.spend) | _order_metrics(test.orders, baseline.orders),
        paired=PairedCases.of_own_units(expected.spend, baseline.spend, partial(resampled_gini, test.spend)),
        baseline_name="the mean rate of the past",
        details=facts | {"test_days": days, "interval_coverage": coverage},
        predictions=pa.table(
            {
                c.CUSTOMER_ID: test.snapshot.customer_ids,
                "expected_value": expected.spend,
                "expected_value_low": expected.low,
                "expected_value_high": expected.high,
                "value_outcome": test.spend,
                "expected_orders": expected.orders,
                "orders_outcome": test.orders,
            }
        ),
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit to everything before `as_of`, and predict all customers with an order who allow personalization."""
    past = _Past(data)
    return _family_of(past, *past.fit(data.as_of, HORIZONS))


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same by the mean rate of the past."""
    past = _Past(data)
    return _family_of(past, *past.fit_baseline(data.as_of))


def _family_of(past: "_Past", model: ValueModel, facts: dict[str, Any]) -> FittedFamily:
    past.data.progress("value: score")
    table = _table(past, model)

    def write_files(folder: Path) -> None:
        model.write(folder, facts)

    return FittedFamily(write_files, table, column_descriptions(), _replays(table))


def rescore(data: TrainingData, folder: Path) -> Rescored:
    """Predict all customers as of now by a stored model; the BTYD model is fitted to the purchases as of now."""
    table = _table(_Past(data), ValueModel.read(folder))
    return Rescored(table, _replays(table))


class _Past:
    """Snapshots of the store's customers, and models fitted to them."""

    def __init__(self, data: TrainingData) -> None:
        self.data = data
        self._parameters: ValueParameters = data.parameters
        self._history = data.history
        self._first = self._history.first_order_at()

    def snapshot(self, at: datetime) -> Snapshot:
        """All customers with an order before `at`."""
        return self._history.snapshot(at)

    def inputs(self, at: datetime, days: int, model_name: str) -> ValueInputs:
        """What the model predicts from."""
        customers = self.snapshot(at)
        if model_name == MEAN_RATE:
            btyd = MeanRateBaseline(days).forecast(customers.features)
        else:
            btyd = self._history.btyd_forecast(customers.customer_ids, at, days, model_name)
        return ValueInputs(np.column_stack([customers.features, btyd.features]), btyd)

    def labelled(self, at: datetime, days: int, model_name: str) -> _Labelled:
        """What the model predicts from, and the outcomes."""
        customers, end = self.snapshot(at), at + days * DAY
        outcomes = self._history.outcomes(customers.customer_ids, at, end)
        return _Labelled(customers, self.inputs(at, days, model_name), *outcomes)

    def test_days(self, cut: datetime) -> int:
        """The days of a test period before `cut`: `test_days`, or a third of a short history."""
        needed = self._parameters.min_history_days
        known = 0.0 if self._first is None else (cut - self._first) / DAY
        if known < needed:
            raise NotEnoughData(f"value needs {needed} days of orders; there are {known:.0f}.")
        return min(self._parameters.test_days, int(known / 3))

    def predict(self, model: ValueModel, horizons: tuple[int, ...]) -> dict[int, ValuePrediction]:
        """Predictions as of now, by horizon in days."""
        as_of, threads = self.data.as_of, self.data.threads
        return {days: model.predict(self.inputs(as_of, days, model.model_name), threads) for days in horizons}

    def fit(self, cut: datetime, horizons: tuple[int, ...]) -> tuple[ValueModel, dict[str, Any]]:
        """The model that would have been published at `cut`, and facts about it.

        Only data before `cut` are used. A held-out period before it chooses between the BTYD models and a corrected
        one, all fitted before that period, and gives the errors for the interval.
        """
        days = self.test_days(cut)
        before = cut - days * DAY
        self.data.progress("value: choose")
        tried: dict[str, tuple[_Labelled, Expectation]] = {}
        for model_name in MODEL_NAMES:
            held_out = self._enough(self.labelled(before, days, model_name))
            tried[model_name] = held_out, Expectation.of_btyd(held_out.inputs.btyd)
        context = FitContext(self.data.seed, self.data.threads, self.data.progress)
        times = self._times(cut)
        cases = self._cases(before, (days,), times)
        if cases is not None:
            held_out, _ = tried[PARETO_NBD]
            corrections = Corrections.fit(cases, self._parameters, context)
            corrections = corrections.calibrated(self.inputs(before, days, PARETO_NBD), context.threads)
            tried[TREES] = held_out, corrections.predict(held_out.inputs, context.threads)
        errors = {name: spend_deviance(period.spend, expected.spend) for name, (period, expected) in tried.items()}
        choice = min(errors, key=lambda name: errors[name])
        held_out, expected = tried[choice]
        self.data.progress("value: train")
        facts = {"choice": choice, "errors": errors, "chosen_on": [before.isoformat(), cut.isoformat()]}
        training = ValueTraining(PARETO_NBD if choice == TREES else choice, (expected, held_out.spend))
        if choice == TREES:
            current = self.inputs(cut, max(horizons), PARETO_NBD)
            training = replace(training, cases=self._cases(cut, horizons, times), current=current)
        return ValueModel.fit(training, self._parameters, context), facts

    def fit_baseline(self, cut: datetime) -> tuple[ValueModel, dict[str, Any]]:
        """The mean rate, with intervals from its errors in the period before `cut`, and facts about it."""
        days = self.test_days(cut)
        before = cut - days * DAY
        held_out = self.labelled(before, days, MEAN_RATE)
        customers = len(held_out.orders)
        if customers < MIN_BASELINE_CUSTOMERS:
            raise NotEnoughData(
                f"the mean rate needs {MIN_BASELINE_CUSTOMERS} customers at {before:%Y-%m-%d}; there are {customers}."
            )
        training = ValueTraining(MEAN_RATE, (Expectation.of_btyd(held_out.inputs.btyd), held_out.spend))
        facts = {"choice": MEAN_RATE, "chosen_on": [before.isoformat(), cut.isoformat()]}
        return ValueModel.fit(training, self._parameters, FitContext(self.data.seed, self.data.threads)), facts

    def _cases(self, cut: datetime, horizons: tuple[int, ...], times: list[datetime]) -> ValueCases | None:
        """Cases of snapshots, up to each horizon as far as it is known at `cut`; None where too few outcomes differ."""
        parts = []
        for number, at in enumerate(time for time in times if time <= cut - MIN_PERIOD_DAYS * DAY):
            for days in sorted({min(days, int((cut - at) / DAY)) for days in horizons}):
                period = self.labelled(at, days, PARETO_NBD)
                weight = np.full(len(period.orders), 0.5 ** (number / self._parameters.snapshot_half_life))
                parts.append(ValueCases(period.inputs, period.orders, period.spend, weight))
        if not parts:
            return None
        cases = ValueCases.concatenated(parts).sampled(self._parameters.max_training_rows, self.data.seed)
        fewest = self._parameters.min_buyers
        return cases if fewest <= (cases.spend > 0).sum() <= len(cases.spend) - fewest else None

    def _times(self, cut: datetime) -> list[datetime]:
        """Evenly spaced whole days back from `cut`, the latest first, over the later four fifths of the history."""
        assert self._first is not None
        known = (cut - self._first) / DAY
        backs = np.unique(np.linspace(2 * MIN_PERIOD_DAYS, 0.8 * known, self._parameters.snapshots).astype(int))
        return [cut - int(back) * DAY for back in backs if MIN_PERIOD_DAYS <= back <= 0.9 * known]

    def _enough(self, period: _Labelled) -> _Labelled:
        customers, buyers = len(period.orders), int((period.orders > 0).sum())
        least, fewest = self._parameters.min_customers, self._parameters.min_buyers
        if customers < least or buyers < fewest:
            raise NotEnoughData(
                f"value needs {least} customers at {period.snapshot.at:%Y-%m-%d}, of whom {fewest} ordered again; "
                f"there are {customers}, of whom {buyers} did."
            )
        return period


def _table(past: _Past, model: ValueModel) -> pa.Table:
    """The family's columns as of now, a row per customer."""
    columns: dict[str, Any] = {c.CUSTOMER_ID: past.snapshot(past.data.as_of).customer_ids}
    for days, expected in past.predict(model, HORIZONS).items():
        name = f"expected_value_{days}d"
        money = {name: expected.spend, f"{name}_low": expected.low, f"{name}_high": expected.high}
        columns |= {column: np.round(amount, 2) for column, amount in money.items()}
        if days == ORDERS_DAYS:
            columns[c.EXPECTED_ORDERS_90D] = np.round(expected.orders, 3)
    return pa.table(columns)


def column_descriptions() -> dict[str, str]:
    """The columns in words for marketers."""
    descriptions: dict[str, str] = {}
    for days in HORIZONS:
        name = f"expected_value_{days}d"
        descriptions |= {
            name: f"What the customer is expected to spend in the next {days} days, in the store's currency.",
            f"{name}_low": f"Low end of the range that holds the {days}-day spend of 8 in 10 similar customers.",
            f"{name}_high": f"High end of the range that holds the {days}-day spend of 8 in 10 similar customers.",
        }
    return descriptions | {
        c.EXPECTED_ORDERS_90D: "How many orders the customer is expected to place in the next 90 days; at least "
        "the probability of an order in that time."
    }


def _spend_metrics(spend: np.ndarray, expected: np.ndarray) -> Metrics:
    return {
        "spend_gini": normalised_gini(spend, expected),
        "spend_spearman": _spearman(spend, expected),
        "spend_mae": float(np.abs(spend - expected).mean()),
        "spend_total_error": _total_error(spend, expected),
        "spend_deviance": spend_deviance(spend, expected),
    }


def _order_metrics(orders: np.ndarray, expected: np.ndarray) -> Metrics:
    mae = float(np.abs(orders - expected).mean())
    return {"orders_mae": mae, "orders_total_error": _total_error(orders, expected)}


def _total_error(actual: np.ndarray, expected: np.ndarray) -> float | None:
    total = float(actual.sum())
    return float(expected.sum()) / total - 1 if total > 0 else None


def _spearman(actual: np.ndarray, expected: np.ndarray) -> float | None:
    if len(actual) < 2 or np.ptp(actual) == 0 or np.ptp(expected) == 0:
        return None
    return float(spearmanr(actual, expected).statistic)


def _replays(table: pa.Table) -> list[Replay]:
    """The customers of lowest, middle and highest value; serving checks their answers before it uses the bundle."""
    name = f"expected_value_{ORDERS_DAYS}d"
    ordered = table.sort_by([(name, "ascending"), (c.CUSTOMER_ID, "ascending")])
    rows = sorted({0, ordered.num_rows // 2, ordered.num_rows - 1})[:REPLAYS] if ordered.num_rows else []
    return [
        Replay(route="customer", request={c.CUSTOMER_ID: row[c.CUSTOMER_ID]}, expected={name: row[name]})
        for row in ordered.take(rows).to_pylist()
    ]


VALUE: Final = Family(
    name=NAME,
    kind="customers",
    baseline="the mean rate of the past: everybody goes on spending as since the first order",
    gate=Gate("spend_gini", higher_is_better=True, label="Gini of the ranking by spend", unit="customers"),
    parameters=ValueParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    rescore=rescore,
    derive=with_orders_as_churn_says,
)
