"""The published churn risk on any store's orders, month by month, beside three other ways to rank the same customers.

    python -m benchmarks.churn DIR [--horizon-days 30] [--picture FILE.svg]

DIR holds orders.parquet (customer_id, ordered_at, units, order_value). The churn family is fitted as of the first of
each month in the second half of the time, and evaluated on the horizon after it. All methods score the customers whom
the family scores, and know the same orders:

churn_risk: what the family publishes.
gate_baseline: RFM, which answers where the family is not clearly better, fitted to the same snapshots.
pareto_nbd: one minus the probability of an order by Pareto/NBD, fitted to all customers by maximum likelihood.
recency: the days since the last order as they are; a ranking, without probabilities.

The last line is one JSON object. For each method it has the means over the months of AUC, average precision and lift,
and the Brier score and the calibration error (ECE) of all months together. `interval_coverage` is the share of ten
groups by risk whose outcomes are in the predicted interval (nominal: .8), as the mean over the months.
"""

import argparse
import json
import time
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

from benchmarks.customers.baselines import DAYS_PER_WEEK, purchases
from benchmarks.customers.calibration_picture import picture
from benchmarks.customers.ours import order_events
from benchmarks.customers.split import read_orders, rolling_cuts
from contracts import columns as c
from models.btyd.pareto_nbd import ParetoNBD
from models.churn.model import ChurnParameters
from models.statistics.probability_metrics import probability_metrics, share_coverage
from pipelines.families.churn import CHURN, NAME, fit_at, model_features
from pipelines.families.family import TrainingData
from pipelines.families.snapshots import DAY

HORIZON_DAYS: Final = 30
SEED: Final = 7
DECIMALS: Final = 4
OURS: Final = "churn_risk"
RECENCY: Final = "recency"
RANKING: Final = ("auc", "average_precision", "lift_at_10")
CALIBRATION: Final = ("brier", "ece")


@dataclass(frozen=True)
class Month:
    """The outcomes after one cut (customers,), 1: no order, and what each method said of the same customers."""

    start: pd.Timestamp
    outcome: np.ndarray
    risks: dict[str, np.ndarray]
    interval_coverage: float

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """By method; a ranking has no calibration."""
        return {
            name: probability_metrics(self.outcome, risk) | (dict.fromkeys(CALIBRATION) if name == RECENCY else {})
            for name, risk in self.risks.items()
        }


def main() -> None:
    """Cut, fit, evaluate, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with orders.parquet")
    parser.add_argument("--horizon-days", type=int, default=HORIZON_DAYS, metavar="N")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the calibration, pooled")
    given = parser.parse_args()
    started = time.monotonic()
    orders = read_orders(given.folder)
    months = []
    for cut, days in rolling_cuts(orders, given.horizon_days):
        months.append(evaluated(orders, cut, days))
        print(json.dumps(_line(months[-1])), flush=True)
    if given.picture:
        outcome = np.concatenate([month.outcome for month in months])
        risk = np.concatenate([month.risks[OURS] for month in months])
        given.picture.write_text(picture(outcome, risk), encoding="utf-8")
    report = summary(months) | {"gate_baseline": CHURN.baseline, "horizon_days": given.horizon_days}
    print(json.dumps(report | {"seconds": round(time.monotonic() - started, 1)}))


def evaluated(orders: pd.DataFrame, cut: pd.Timestamp, horizon_days: int) -> Month:
    """Fit everything to the orders before `cut`, and score the customers whom the family scores then."""
    start = cut.to_pydatetime().replace(tzinfo=UTC)
    as_of = start + horizon_days * DAY
    data = TrainingData(
        ibis.memtable(order_events(orders, as_of)),
        ibis.memtable(c.CATALOGUE.empty_table()),
        as_of,
        ChurnParameters(horizon_days=horizon_days),
        seed=SEED,
        threads=1,
    )
    history = data.history
    fitted = fit_at(start, history, history.cadence(data.parameters, NAME), data)
    test = history.snapshot(start, horizon_days)
    assert test.outcome is not None
    features = model_features(history, test, horizon_days)
    risk, low, high = fitted.model.predict(features, data.threads)
    risks = {
        OURS: risk,
        "gate_baseline": fitted.baseline.predict(features, data.threads).risk,
        "pareto_nbd": pareto_risk(orders, cut, horizon_days, test.customer_ids),
        RECENCY: rankdata(test.recency_days) / len(test.recency_days),
    }
    return Month(cut, test.outcome.astype(float), risks, share_coverage(test.outcome, risk, low, high))


def pareto_risk(orders: pd.DataFrame, cut: pd.Timestamp, horizon_days: int, customer_ids: pa.Array) -> np.ndarray:
    """P(no order within the horizon) of these customers, fitted to everybody's orders before the cut."""
    everybody = purchases(orders[orders["ordered_at"] < cut], cut)
    rows = pc.index_in(customer_ids, value_set=pa.array(everybody.customer_id.tolist(), customer_ids.type)).to_numpy()
    return np.asarray(1 - ParetoNBD.fit(everybody).probability(everybody.subset(rows), horizon_days / DAYS_PER_WEEK))


def summary(months: list[Month]) -> dict[str, Any]:
    """The means over the months, and the calibration of all months together."""
    of_months = [month.metrics for month in months]
    outcome = np.concatenate([month.outcome for month in months])
    methods = {}
    for name in months[0].risks:
        pooled = probability_metrics(outcome, np.concatenate([month.risks[name] for month in months]))
        ranking = {metric: _mean([metrics[name][metric] for metrics in of_months]) for metric in RANKING}
        calibration = {metric: None if name == RECENCY else pooled[metric] for metric in CALIBRATION}
        methods[name] = _rounded(ranking | calibration)
    return {
        "cases": len(outcome),
        "methods": methods,
        "interval_coverage": round(float(np.mean([month.interval_coverage for month in months])), DECIMALS),
        "months": [_line(month) for month in months],
    }


def _line(month: Month) -> dict[str, Any]:
    metrics = {name: _rounded(of_method) for name, of_method in month.metrics.items()}
    facts = {"from": str(month.start.date()), "customers": len(month.outcome), "share": float(month.outcome.mean())}
    return facts | metrics | {"interval_coverage": month.interval_coverage}


def _rounded(metrics: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is None else round(value, DECIMALS) for name, value in metrics.items()}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


if __name__ == "__main__":
    main()
