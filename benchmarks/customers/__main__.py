"""Who orders again, how often and for how much: our models against BTYD models, recency and RFM.

    python -m benchmarks.customers DIR [--calibration-end DATE] [--holdout-weeks N] [--train-on DIR]
    python -m benchmarks.customers DIR --rolling [--horizon-days N]

DIR holds orders.parquet (customer_id, ordered_at, units, order_value). Every method gets the orders until the
calibration end and predicts the holdout after it, one order per customer and day. By default, the holdout is the last
40 % of the time. --train-on names a folder with the orders of further customers: all methods may train on those until
the same end. --rolling cuts at the first of each month in the second half of the time, and averages; "pooled"
evaluates the probabilities of all these cuts together. The last line is one JSON object; undefined metrics are null.
"""

import argparse
import importlib
import importlib.util
import json
import resource
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.customers.baselines import BASELINES, Method
from benchmarks.customers.metrics import Prediction, order_metrics
from benchmarks.customers.split import DAY, Split, one_cut, read_orders, rolling_cuts, split
from models.statistics.probability_metrics import probability_metrics

OURS: Final = "benchmarks.customers.ours"
SEED: Final = 7
HORIZON_DAYS: Final = 90
DECIMALS: Final = 4
Predicted = tuple[np.ndarray, np.ndarray]  # whether each customer ordered again, and the predicted probability


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
    by_name = methods()
    evaluated = [evaluate(split(orders, end, horizon_days, further), by_name) for end, horizon_days in cuts]
    scored = [origin for origin, _ in evaluated]
    report = averaged([origin["methods"] for origin in scored])
    report |= {"cases": sum(origin["cases"] for origin in scored)}
    if options.rolling:
        report |= {"pooled": pooled([predicted for _, predicted in evaluated]), "origins": scored}
    else:
        report |= {name: scored[0][name] for name in ("split", "actual_orders")}
    report["seconds"] = round(time.monotonic() - started, 1)
    report["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(report))


def methods() -> dict[str, Method]:
    """Ours, where it is importable, and the baselines, by name."""
    if importlib.util.find_spec(OURS) is None:
        print(f"{OURS} cannot be imported: only the baselines are evaluated.")
        return BASELINES
    predict_ours = importlib.import_module(OURS).predict_ours

    def ours(cut: Split) -> Prediction:
        return predict_ours(cut.history, cut.calibration_end, cut.horizon_days, cut.further, SEED)

    return {"ours": ours} | BASELINES


def evaluate(cut: Split, by_name: dict[str, Method]) -> tuple[dict[str, Any], dict[str, Predicted]]:
    """Each method's metrics and seconds at one cut; and its predicted probabilities, with the outcomes."""
    metrics, predicted = {}, {}
    for name, method in by_name.items():
        started = time.monotonic()
        prediction = method(cut)
        assert all(column.shape == cut.customers.shape for column in prediction.values()), name
        metrics[name] = order_metrics(cut, prediction) | {"seconds": time.monotonic() - started}
        predicted[name] = (cut.orders > 0).astype(float), prediction["probability"]
        print(f"{cut.calibration_end.date()} {name}: AUC {metrics[name]['auc']}, {metrics[name]['seconds']:.1f} s")
    report = {
        "split": {
            "calibration_end": str((cut.calibration_end - DAY).date()),
            "holdout_end": str((cut.calibration_end + (cut.horizon_days - 1) * DAY).date()),
            "horizon_days": cut.horizon_days,
        },
        "cases": len(cut.customers),
        "actual_orders": int(cut.orders.sum()),
        "methods": {name: _rounded(of_method) for name, of_method in metrics.items()},
    }
    return report, predicted


def pooled(origins: list[dict[str, Predicted]]) -> dict[str, Any]:
    """Per method, the metrics of its probabilities over the cases of all origins.

    The calibration error of one origin is mostly the effect of its season, which no method can know. Over all origins,
    seasons average out.
    """
    concatenated = {
        name: [np.concatenate(column) for column in zip(*(origin[name] for origin in origins), strict=True)]
        for name in origins[0]
    }
    return {name: _rounded(probability_metrics(*columns)) for name, columns in concatenated.items()}


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
