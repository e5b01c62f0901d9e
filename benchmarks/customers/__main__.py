"""How often each customer orders, and what for: the value family against BTYD models, regressions and the mean rate.

    python -m benchmarks.customers DIR [--calibration-end DATE] [--holdout-weeks N] [--train-on DIR]
    python -m benchmarks.customers DIR --rolling [--horizon-days N]

DIR holds orders.parquet (customer_id, ordered_at, units, order_value). Every method gets the orders until the
calibration end and predicts the holdout after it, one order per customer and day. By default, the holdout is the last
40 % of the time. --train-on names a folder with the orders of further customers: all methods may train on those until
the same end. --rolling cuts at the first of each month in the second half of the time, and averages. Every method is
scored by its expected number of orders and its expected spend, which is what the family publishes. The last line is
one JSON object; undefined metrics are null.
"""

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.customers.baselines import BASELINES, Method
from benchmarks.customers.metrics import order_metrics
from benchmarks.customers.ours import predict_ours
from benchmarks.customers.split import DAY, Split, one_cut, read_orders, rolling_cuts, split

METHODS: Final[dict[str, Method]] = {"ours": predict_ours} | BASELINES
HORIZON_DAYS: Final = 90
DECIMALS: Final = 4


def main() -> None:
    """Cut, predict, evaluate, print."""
    options = _options()
    started = time.monotonic()
    orders = read_orders(options.folder)
    further = read_orders(options.train_on) if options.train_on else None
    if options.rolling:
        cuts = rolling_cuts(orders, options.horizon_days)
    else:
        cuts = [one_cut(orders, options.calibration_end, options.holdout_weeks)]
    scored = [evaluate(split(orders, end, horizon_days, further)) for end, horizon_days in cuts]
    report = averaged([origin["methods"] for origin in scored])
    report |= {"cases": sum(origin["cases"] for origin in scored)}
    if options.rolling:
        report |= {"origins": scored}
    else:
        report |= {name: scored[0][name] for name in ("split", "actual_orders")}
    report["seconds"] = round(time.monotonic() - started, 1)
    report["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(report))


def evaluate(cut: Split) -> dict[str, Any]:
    """Each method's metrics and seconds at one cut."""
    metrics = {}
    for name, method in METHODS.items():
        started = time.monotonic()
        prediction = method(cut)
        assert all(column.shape == cut.customers.shape for column in prediction.values()), name
        metrics[name] = order_metrics(cut, prediction) | {"seconds": time.monotonic() - started}
        print(f"{cut.calibration_end.date()} {name}: orders' MAE {metrics[name]['orders_mae']:.4f}")
    return {
        "split": {
            "calibration_end": str((cut.calibration_end - DAY).date()),
            "holdout_end": str((cut.calibration_end + (cut.horizon_days - 1) * DAY).date()),
            "horizon_days": cut.horizon_days,
        },
        "cases": len(cut.customers),
        "actual_orders": int(cut.orders.sum()),
        "methods": {name: _rounded(of_method) for name, of_method in metrics.items()},
    }


def averaged(origins: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Per method, the mean of each metric over the origins in which it is defined."""
    return {
        name: {metric: _mean([origin[name][metric] for origin in origins]) for metric in origins[0][name]}
        for name in origins[0]
    }


def _mean(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return _rounded(np.mean(known, axis=0).tolist()) if known else None


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value if value is None else round(value, DECIMALS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with orders.parquet")
    parser.add_argument("--calibration-end", type=pd.Timestamp, metavar="DATE", help="the last day of the history")
    parser.add_argument("--holdout-weeks", type=int, metavar="N", help="the length of the holdout")
    parser.add_argument("--train-on", type=Path, metavar="DIR", help="orders of further customers to train on")
    parser.add_argument("--rolling", action="store_true", help="cut at the first of each month, and average")
    parser.add_argument("--horizon-days", type=int, default=HORIZON_DAYS, metavar="N", help="the holdout of --rolling")
    return parser.parse_args()


if __name__ == "__main__":
    main()
