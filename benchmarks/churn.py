"""Churn on any store's orders: calibration of the risks and their intervals, from month to month.

    python -m benchmarks.churn DIR [--horizon-days 30] [--picture FILE.svg]

DIR holds orders.parquet (customer_id, ordered_at, units, order_value). The churn family is fitted as of the first of
each month in the second half of the time, and evaluated on the horizon after it. The last line is one JSON object: the
metrics of ours and of recency alone, per origin and pooled. `interval_coverage` is the share of ten groups by risk
whose outcomes are in the predicted interval (nominal: .8), as the mean over the origins.
"""

import argparse
import json
import time
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np

from benchmarks.customers.calibration_picture import OUTCOME, RISK, picture
from benchmarks.customers.ours import order_events
from benchmarks.customers.split import read_orders, rolling_cuts
from contracts import columns as c
from models.churn.model import ChurnParameters
from models.statistics.probability_metrics import probability_metrics
from pipelines.families.churn import CHURN
from pipelines.families.family import Backtest, TrainingData
from pipelines.families.snapshots import DAY

HORIZON_DAYS: Final = 30
SEED: Final = 7
DECIMALS: Final = 4


def main() -> None:
    """Cut, backtest, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with orders.parquet")
    parser.add_argument("--horizon-days", type=int, default=HORIZON_DAYS, metavar="N")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the calibration, pooled")
    given = parser.parse_args()
    started = time.monotonic()
    backtests = evaluate(given.folder, given.horizon_days)
    outcome, risk = pooled(backtests)
    if given.picture:
        given.picture.write_text(picture(outcome, risk), encoding="utf-8")
    report = {
        "horizon_days": given.horizon_days,
        "pooled": _rounded(probability_metrics(outcome, risk)),
        "interval_coverage": _mean([backtest.details["interval_coverage"] for backtest in backtests]),
        "origins": [_origin(backtest) for backtest in backtests],
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(report))


def evaluate(folder: Path, horizon_days: int) -> list[Backtest]:
    """The churn family's backtest at each origin."""
    orders = read_orders(folder)
    backtests = []
    for cut, _ in rolling_cuts(orders, horizon_days):
        as_of = cut.to_pydatetime().replace(tzinfo=UTC) + horizon_days * DAY
        events = ibis.memtable(order_events(orders, as_of))
        catalogue = ibis.memtable(c.CATALOGUE.empty_table())
        parameters = ChurnParameters(horizon_days=horizon_days)
        backtests.append(CHURN.backtest(TrainingData(events, catalogue, as_of, parameters, seed=SEED, threads=1)))
        print(json.dumps(_origin(backtests[-1])))
    return backtests


def pooled(backtests: list[Backtest]) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and risks of all origins together."""
    tables = [backtest.predictions for backtest in backtests if backtest.predictions is not None]
    outcome, risk = (np.concatenate([table[name].to_numpy() for table in tables]) for name in (OUTCOME, RISK))
    return outcome.astype(float), risk


def _origin(backtest: Backtest) -> dict[str, Any]:
    return {
        "from": str(backtest.window_start.date()),
        "ours": _rounded(backtest.metrics),
        "recency": _rounded(backtest.baseline_metrics),
        "interval_coverage": backtest.details["interval_coverage"],
        "snapshot_std": round(backtest.details["snapshot_std"], DECIMALS),
    }


def _rounded(metrics: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is None else round(value, DECIMALS) for name, value in metrics.items()}


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), DECIMALS)


if __name__ == "__main__":
    main()
