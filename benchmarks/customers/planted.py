"""The simulated store: rank correlations of risk and value with what the simulation planted.

    python -m benchmarks.customers.planted [--events 400000] [--seed 7]

A store is simulated and ingested; churn and value are fitted as of one horizon before its end and evaluated on that
horizon. The truth has each customer's hazard of leaving, order rate and last day. `planted_risk` is the resulting
probability of no order within the horizon after the cut (1 for customers who had left). `planted_value` is rate x days
as a customer in the test period x the store's mean order, without staples. The last line is one JSON object: rank
correlations of the risk, those of a shuffled risk as a control, and the coverage of the 80 % interval.
"""

import argparse
import json
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import spearmanr

from contracts import columns as c
from contracts.settings import load_settings
from models.lifetime_value.metrics import interval_coverage
from pipelines.families.churn import CHURN
from pipelines.families.family import Backtest, Family, TrainingData
from pipelines.families.lifetime_value import VALUE
from pipelines.ingest.ingest import ingest
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.simulation import parameters_for, simulate
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

DECIMALS: Final = 4
BUYER_ORDERS: Final = 1.0  # expected; with fewer, most spend nothing, which every interval contains


def main() -> None:
    """Simulate, ingest, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000, help="about how many the store sends")
    parser.add_argument("--seed", type=int, default=StoreParameters.seed)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(evaluate(parameters_for(given.events, seed=given.seed), Path(home))))


def evaluate(p: StoreParameters, home: Path) -> dict[str, Any]:
    """The benchmark's line."""
    started = time.monotonic()
    written = simulate(p, home / "simulated")
    settings = load_settings(home=home)
    ingest(settings, [written.events_path], catalogue=written.catalogue_path)
    warehouse = open_warehouse(settings)
    truth = pq.read_table(written.truth_path / "customers.parquet").to_pandas().set_index(c.CUSTOMER_ID)
    report: dict[str, Any] = {"events": written.events}
    report |= {"churn": of_churn(_backtest(CHURN, warehouse), truth, p.seed)}
    report |= {"value": of_value(_backtest(VALUE, warehouse), truth)}
    return report | {"seconds": round(time.monotonic() - started, 1)}


def of_churn(backtest: Backtest, truth: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Spearman correlations of the risk with what was planted."""
    assert backtest.predictions is not None
    predicted, planted = _joined(backtest, truth)
    days = (backtest.window_end - backtest.window_start).days
    has_left = days_alive(planted, backtest.window_start, days) == 0
    against = {
        "hazard": planted["hazard_per_day"].to_numpy(),
        "has_left": has_left,
        "planted_risk": planted_risk(planted, has_left, days),
    }
    risk = predicted["churn_risk"].to_numpy()
    shuffled = np.random.default_rng(seed).permutation(risk)
    report = {name: _rank_correlation(risk, column) for name, column in against.items()}
    report["control"] = _rank_correlation(shuffled, against["planted_risk"])
    return {"customers": len(predicted), "days": days, "auc": backtest.metrics["auc"], **report}


def of_value(backtest: Backtest, truth: pd.DataFrame) -> dict[str, Any]:
    """The rank correlation of the expected value with the planted one, and the coverage of the interval."""
    predicted, planted = _joined(backtest, truth)
    days = (backtest.window_end - backtest.window_start).days
    spent = predicted["value_outcome"].to_numpy()
    mean_order = spent.sum() / predicted["orders_outcome"].sum()
    value = planted["orders_per_day"].to_numpy() * days_alive(planted, backtest.window_start, days) * mean_order
    low, high = predicted["expected_value_low"].to_numpy(), predicted["expected_value_high"].to_numpy()
    buyers = predicted["expected_orders"].to_numpy() >= BUYER_ORDERS
    return {
        "customers": len(predicted),
        "days": days,
        "planted_value": _rank_correlation(predicted["expected_value"].to_numpy(), value),
        "total_error": round(float(predicted["expected_value"].sum() / spent.sum() - 1), DECIMALS),
        "coverage": _coverage(spent, low, high),
        "coverage_of_buyers": _coverage(spent[buyers], low[buyers], high[buyers]),
        "buyers": int(buyers.sum()),
    }


def days_alive(planted: pd.DataFrame, cut: datetime, days: int) -> np.ndarray:
    """For how many of the days after the cut each is still a customer, (customers,); 0 for those who had left."""
    ends = pd.to_datetime(planted["alive_until"]).dt.tz_localize("UTC")
    return np.asarray(((ends - pd.Timestamp(cut)) / pd.Timedelta(days=1)).clip(0, days).to_numpy())


def planted_risk(planted: pd.DataFrame, has_left: np.ndarray, days: int) -> np.ndarray:
    """P(no order within so many days), (customers,), at constant rates of ordering and of leaving."""
    hazard, rate = planted["hazard_per_day"].to_numpy(), planted["orders_per_day"].to_numpy()
    neither = np.exp(-(hazard + rate) * days)
    return np.where(has_left, 1.0, neither + (1 - neither) * hazard / (hazard + rate))


def _backtest(family: Family, warehouse: Warehouse) -> Backtest:
    last = warehouse.event_window().last
    assert last is not None, "the store sent no event"
    as_of = last + timedelta(microseconds=1)
    return family.backtest(
        TrainingData(
            views.lines(warehouse),
            views.catalogue(warehouse),
            as_of,
            family.parameters(),
            consent_statements=warehouse.table("words"),
            threads=1,
        )
    )


def _joined(backtest: Backtest, truth: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions and planted values of the customers in both tables, in the same order."""
    assert backtest.predictions is not None
    predicted = backtest.predictions.to_pandas().set_index(c.CUSTOMER_ID)
    predicted = predicted[predicted.index.isin(truth.index)]
    return predicted, truth.loc[predicted.index]


def _coverage(spent: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    return round(interval_coverage(spent, low, high), DECIMALS)


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    return round(float(spearmanr(one, other).statistic), DECIMALS)


if __name__ == "__main__":
    main()
