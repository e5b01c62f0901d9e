"""How much the simulated store looks like real ones: a table of marginals, simulated beside measured.

    python -m benchmarks.pipeline.simulator_marginals --retail online_retail.parquet --sessions retailrocket/

`--retail` is UCI Online Retail (https://doi.org/10.24432/C5BW33) as Parquet with the columns invoice_no, stock_code,
quantity, invoice_ts, unit_price, customer_id. `--sessions` is a folder with RetailRocket's views
(https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset) as train.parquet: session_id, position, item_id, of
sessions with at least three views. Without `--simulated`, a store of `--events` events is simulated first.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from pipelines.simulate.simulation import parameters_for, simulate

LEAST_VIEWS = 3  # the public split of RetailRocket has no shorter sessions
Marginals = dict[str, float]


def main() -> None:
    """Print the table, or with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retail", type=Path, help="UCI Online Retail, a Parquet file")
    parser.add_argument("--sessions", type=Path, help="RetailRocket, the folder of train.parquet")
    parser.add_argument("--simulated", type=Path, help="folder of a simulated store; default: simulate one")
    parser.add_argument("--events", type=int, default=1_000_000, help="size of the store to simulate")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    columns = {"simulated": _simulated_marginals(given.simulated, given.events)}
    if given.retail:
        columns["UCI Online Retail"] = order_marginals(_retail_lines(given.retail))
    if given.sessions:
        columns["RetailRocket"] = session_marginals(pd.read_parquet(given.sessions / "train.parquet"))
    sys.stdout.write(json.dumps(columns, indent=2) + "\n" if given.json else _table(columns))


def order_marginals(lines: pd.DataFrame) -> Marginals:
    """Marginals of order lines (order_id, customer_id, at, item_id, quantity) of known customers."""
    orders = lines.groupby("order_id").agg(
        customer_id=("customer_id", "first"), at=("at", "first"), lines=("item_id", "nunique")
    )
    counts = orders.groupby("customer_id").size()
    days = orders.assign(day=orders["at"].dt.floor("D")).drop_duplicates(["customer_id", "day"])
    gaps = days.sort_values(["customer_id", "day"]).groupby("customer_id")["day"].diff().dt.days.dropna()
    return {
        "customers with an order": float(len(counts)),
        "share who ordered again": float((counts > 1).mean()),
        "orders per customer, mean": float(counts.mean()),
        "orders per customer, median": float(counts.median()),
        "orders per customer, 90 %": float(counts.quantile(0.9)),
        "days between orders, 25 %": float(gaps.quantile(0.25)),
        "days between orders, median": float(gaps.median()),
        "days between orders, 75 %": float(gaps.quantile(0.75)),
        "days between orders, 90 %": float(gaps.quantile(0.9)),
        "days between orders, deviation / mean": float(gaps.std() / gaps.mean()),
        "lines per order, median": float(orders["lines"].median()),
        "lines per order, 90 %": float(orders["lines"].quantile(0.9)),
        **_skew("order lines", lines.groupby("item_id").size().to_numpy()),
    }


def session_marginals(views: pd.DataFrame) -> Marginals:
    """Marginals of views (session_id, item_id), sessions of at least LEAST_VIEWS views."""
    lengths = views.groupby("session_id")["item_id"].transform("size")
    views = views[lengths >= LEAST_VIEWS]
    sessions = views.groupby("session_id")["item_id"].agg(["size", "nunique"])
    return {
        f"sessions with {LEAST_VIEWS}+ views": float(len(sessions)),
        "views per session, mean": float(sessions["size"].mean()),
        "views per session, median": float(sessions["size"].median()),
        "views per session, 90 %": float(sessions["size"].quantile(0.9)),
        "views per session, 99 %": float(sessions["size"].quantile(0.99)),
        "distinct items / views": float(sessions["nunique"].sum() / sessions["size"].sum()),
        **_skew("views", views.groupby("item_id").size().to_numpy()),
    }


def _skew(what: str, counts: np.ndarray) -> Marginals:
    """How unequally items share: the top's shares, and Gini's coefficient, over items that occur at all."""
    ranked = np.sort(counts)[::-1] / counts.sum()
    n = len(ranked)
    return {
        f"{what}: items": float(n),
        f"{what}: share of the top 1 %": float(ranked[: max(1, round(n / 100))].sum()),
        f"{what}: share of the top 10 %": float(ranked[: max(1, round(n / 10))].sum()),
        f"{what}: Gini": float(((n + 1 - 2 * np.arange(1, n + 1)) * ranked).sum() / n),
    }


def _retail_lines(path: Path) -> pd.DataFrame:
    lines = pd.read_parquet(path).rename(
        columns={"invoice_no": "order_id", "stock_code": "item_id", "invoice_ts": "at"}
    )
    bought = ~lines["order_id"].str.startswith("C") & (lines["quantity"] > 0) & (lines["unit_price"] > 0)
    return lines[bought & lines["customer_id"].notna()]


def _simulated_marginals(folder: Path | None, events: int) -> Marginals:
    if folder is not None:
        return _of_events(folder / "events.jsonl")
    with tempfile.TemporaryDirectory() as made:
        return _of_events(simulate(parameters_for(events), Path(made)).events_path)


def _of_events(path: Path) -> Marginals:
    views, lines = [], []
    for event in _events(path):
        properties = event["properties"]
        if event["event"] == "Product Viewed":
            views.append((event["context"]["sessionId"], properties["product_id"]))
        elif "userId" in event:
            at = datetime.fromisoformat(event["timestamp"])
            who, order_id = event["userId"], properties["order_id"]
            lines += [(order_id, who, at, p["product_id"], p["quantity"]) for p in properties["products"]]
    return {
        **order_marginals(pd.DataFrame(lines, columns=["order_id", "customer_id", "at", "item_id", "quantity"])),
        **session_marginals(pd.DataFrame(views, columns=["session_id", "item_id"])),
    }


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The views and the orders of an events file."""
    with path.open("rb") as file:
        for line in file:
            if b'"Product Viewed"' in line or b'"Order Completed"' in line:
                yield orjson.loads(line)


def _table(columns: dict[str, Marginals]) -> str:
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [["", *columns], ["---", *("---:" for _ in columns)]]
    rows += [[name, *(_figure(column.get(name)) for column in columns.values())] for name in names]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


if __name__ == "__main__":
    main()
