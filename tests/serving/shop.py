"""A bundle of a small shop whose answers are known: even customers like tea, odd ones like tools."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import (
    COHORTS_TABLE,
    CUSTOMERS_TABLE,
    DEMAND_LEVEL_TOTALS_FILE,
    DEMAND_LEVELS_FILE,
    FORMAT_VERSION,
    ITEMS_TABLE,
    KPIS_TABLE,
    FamilyEntry,
    Manifest,
    Replay,
    Verdict,
    hash_files,
    write_table,
)
from contracts.bundle_store import BundlePointer, open_bundle_store
from contracts.settings import Settings
from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.files import write_recommender
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender
from recsys.request import Query
from recsys.training.train import fit_recommender

AS_OF = datetime(2025, 6, 1, tzinfo=UTC)
CUSTOMERS = [f"customer-{number:02d}" for number in range(40)]
TEA = [f"tea-{number}" for number in range(8)]
TOOLS = [f"tool-{number}" for number in range(8)]
FORMULA_NAME = '=HYPERLINK("http://evil.example","tea")'
FORECAST_DAYS = 5
HISTORY_DAYS = 3
# The nodes of each level, those that sell most first.
LEVELS = {"total": ("total",), "category": ("tea", FORMULA_NAME)}
OTHER_UNITS = 2.5  # a day, of the category that is not tea
# What the inventory family says, by column; of the other items, nothing.
INVENTORY: dict[str, dict[str, Any]] = {
    "inventory_alert": {"tool-1": "runs_out_before_delivery", "tool-2": "low_stock", "tool-3": "overstock"},
    "stockout_probability": {"tool-1": 0.9, "tool-2": 0.3, "tool-3": 0.0},
    "order_quantity": {"tool-1": 12.0, "tool-2": 24.0, "tool-3": 0.0},
    "overstock_units": {"tool-1": 0.0, "tool-2": 0.0, "tool-3": 40.0},
    "stock_on_hand": {"tool-1": 9.0, "tool-2": 10.0, "tool-3": 90.0},
}


def publish_shop(
    settings: Settings,
    version: str,
    *,
    with_families: bool = True,
    with_levels: bool = True,
    wrong_replay: bool = False,
) -> BundlePointer:
    """Publish the shop's bundle as `version`; without levels as an older Shopkeeper did."""
    store = open_bundle_store(settings.bundles_url)
    with store.draft() as draft:
        families: dict[str, FamilyEntry] = {}
        replays: dict[str, list[Replay]] = {}
        if with_families:
            recommender = shop_recommender()
            write_recommender(draft / "recommend", recommender)
            write_table(draft / CUSTOMERS_TABLE, customers_table())
            write_table(draft / ITEMS_TABLE, items_table())
            write_table(draft / "demand/forecast.arrow", forecast_table())
            write_table(draft / "demand/history.arrow", history_table())
            if with_levels:
                write_table(draft / DEMAND_LEVELS_FILE, levels_table())
                write_table(draft / DEMAND_LEVEL_TOTALS_FILE, level_totals_table())
            write_table(draft / KPIS_TABLE, kpis_table())
            write_table(draft / COHORTS_TABLE, cohorts_table())
            families = {
                "recommend": _entry("recommender", version),
                "churn": _entry("customers", version, {"churn_risk": "Probability of no order in the next days."}),
                "demand": _entry("items", version, {"units_next_5_days": "Units that we expect to sell."}),
                "inventory": _entry("items", version, {name: f"What {name} says." for name in INVENTORY}),
            }
            replays = {"recommend": [_replay(recommender, wrong_replay)], "churn": [_customer_replay()]}
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            version=version,
            created_at=AS_OF,
            window_start=AS_OF - timedelta(days=100),
            window_end=AS_OF,
            consent_cut=AS_OF,
            families=families,
            files=hash_files(draft),
            replays=replays,
            settings={},
        )
        with patch("os.fsync"):  # a hundred files; no test of the service loses power
            return store.publish(draft, manifest)


@cache
def shop_recommender() -> Recommender:
    """Fitted on 100 days in which everybody views and buys what they like."""
    items = Items.of(
        [*TEA, *TOOLS],
        names=[f"Name of {item}" for item in [*TEA, *TOOLS]],
        categories=["tea"] * len(TEA) + ["tools"] * len(TOOLS),
        price=np.arange(1, 17, dtype=np.float32),
    )
    random = np.random.default_rng(1)
    customer = np.repeat(np.arange(len(CUSTOMERS)), 20)
    liked = customer % 2 * len(TEA)
    item = liked + random.integers(0, len(TEA), len(customer))
    when = int(AS_OF.timestamp()) - random.integers(0, 100 * 86_400, len(customer)) - 1
    kind = random.integers(0, 3, len(customer))
    interactions = Interactions.of(Vocabulary.of(CUSTOMERS), len(items), customer, item, kind, when)
    return fit_recommender(interactions, items, int(AS_OF.timestamp()), RecommendParameters(), threads=1)


def customers_table() -> pa.Table:
    """Risk rises with the customer's number; every tenth has none. Half of the even ones agreed to marketing."""
    count = len(CUSTOMERS)
    return pa.table(
        {
            c.CUSTOMER_ID: CUSTOMERS,
            "orders": pa.array(range(count), pa.int64()),
            "churn_risk": [None if number % 10 == 0 else number / count for number in range(count)],
            "churn_band": ["high" if number >= count // 2 else "low" for number in range(count)],
            "balance": [-1.5 * number for number in range(count)],
            "last_order_at": pa.array([AS_OF - timedelta(days=number) for number in range(count)], c.TIMESTAMP),
            "note": [FORMULA_NAME if number == 3 else f"note {number}" for number in range(count)],
            "reasons": [["no visit", "small basket"] for _ in range(count)],
            "is_member": [number % 2 == 0 for number in range(count)],
            c.CONSENT_MARKETING: [(True, False, None, None)[number % 4] for number in range(count)],
        }
    )


def items_table() -> pa.Table:
    ids = [*TEA, *TOOLS, "with/slash"]
    return pa.table(
        {
            c.ITEM_ID: ids,
            c.ITEM_NAME: [f"Name of {item}" for item in ids],
            c.ITEM_CATEGORY: ["tea"] * len(TEA) + ["tools"] * len(TOOLS) + [None],
            c.PRICE: [float(number + 1) for number in range(len(ids))],
            c.STOCK: [float(number) for number in range(len(ids))],
            "units_next_5_days": [20.0] * len(ids),
            **{name: [values.get(item) for item in ids] for name, values in INVENTORY.items()},
        }
    )


def forecast_table() -> pa.Table:
    rows = [
        {
            c.ITEM_ID: item,
            c.DATE: date(2025, 6, 1) + timedelta(days=day),
            c.UNITS_LOW: float(day),
            c.UNITS_MEDIAN: float(day + 1),
            c.UNITS_HIGH: float(day + 2),
            c.UNITS_MEAN: day + 1.5,
        }
        for item in TEA
        for day in range(FORECAST_DAYS)
    ]
    return pa.Table.from_pylist(rows, schema=c.FORECAST)


def expected_units(node: str, day: int) -> float:
    """The mean of a level's node on a day of the forecast."""
    tea = len(TEA) * (day + 1.5)
    return {"tea": tea, FORMULA_NAME: OTHER_UNITS, "total": tea + OTHER_UNITS}[node]


def levels_table() -> pa.Table:
    """The categories and their sum; channels are not told apart."""
    rows = [
        {
            c.LEVEL: level,
            c.NODE_NAME: node,
            c.DATE: date(2025, 6, 1) + timedelta(days=day),
            c.UNITS_LOW: expected_units(node, day) - 1,
            c.UNITS_MEDIAN: expected_units(node, day) - 0.5,
            c.UNITS_HIGH: expected_units(node, day) + 1,
            c.UNITS_MEAN: expected_units(node, day),
        }
        for level, nodes in LEVELS.items()
        for node in nodes
        for day in range(FORECAST_DAYS)
    ]
    return pa.Table.from_pylist(rows, schema=c.LEVEL_FORECAST)


def level_totals_table() -> pa.Table:
    """Of all days together; its band is narrower than the sum of the days' bands."""
    nodes = [(level, node) for level, names in LEVELS.items() for node in names]
    mean = np.array([sum(expected_units(node, day) for day in range(FORECAST_DAYS)) for _, node in nodes])
    columns = [*zip(*nodes, strict=True), mean - 2, mean, mean + 2, mean]
    return pa.table([pa.array(column) for column in columns], schema=c.LEVEL_TOTALS)


def history_table() -> pa.Table:
    """What sold on the days before; of the last one nothing is known."""
    rows = [(item, AS_OF.date() - timedelta(days=ago), 7.0 * (ago > 1), ago > 1) for item in TEA for ago in (3, 2, 1)]
    columns = (pa.array(column) for column in zip(*rows, strict=True))
    return pa.table(dict(zip(c.DEMAND_HISTORY.names, columns, strict=True)), schema=c.DEMAND_HISTORY)


def kpis_table() -> pa.Table:
    """Five months of ten orders each of 20.00, the last month under way; half by email, half by a channel of evil."""
    rows = [
        {
            "month": date(2025, month, 1),
            "channel": channel,
            "is_complete": month < 6,
            "orders": orders,
            "revenue": 20.0 * orders,
            "average_order_value": 20.0,
            "customers": orders,
            "new_customers": 1,
            "repeat_customers": orders - 1,
            "repeat_rate": (orders - 1) / orders,
            "revenue_per_customer": 20.0,
            "lapsed_customers": 1,
            "churned_value": 40.0,
        }
        for month in range(2, 7)
        for channel, orders in ((FORMULA_NAME, 5), ("all", 10), ("email", 5))
    ]
    return _with_kpi_facts(pa.Table.from_pylist(rows))


def cohorts_table() -> pa.Table:
    """Of each month's four new customers one comes back in every later month."""
    rows = [
        {
            "cohort_month": date(2025, month, 1),
            "months_since": since,
            "is_complete": month + since < 6,
            "customers": 4,
            "active": 1 if since else 4,
            "retention": 0.25 if since else 1.0,
            "revenue": 20.0,
        }
        for month in range(2, 6)
        for since in range(7 - month)
    ]
    return _with_kpi_facts(pa.Table.from_pylist(rows))


def _with_kpi_facts(table: pa.Table) -> pa.Table:
    return table.replace_schema_metadata({"as_of": AS_OF.isoformat(), "lapse_days": "60"})


def _replay(recommender: Recommender, wrong: bool) -> Replay:
    query = Query(customer_id=CUSTOMERS[0], k=5)
    items = recommender.recommend(query).items
    expected: dict[str, Any] = {
        "items": [item.item_id for item in items],
        "scores": [item.score + wrong for item in items],
    }
    return Replay(route="recommend", request=msgspec.to_builtins(query), expected=expected)


def _customer_replay() -> Replay:
    expected = {"churn_band": "low", "churn_risk": 1 / 40, "last_order_at": "2025-05-31T00:00:00Z"}
    return Replay(route="customer", request={c.CUSTOMER_ID: CUSTOMERS[1]}, expected=expected)


def _entry(kind: Any, version: str, columns: dict[str, str] | None = None) -> FamilyEntry:
    return FamilyEntry(
        kind=kind,
        as_of=AS_OF,
        bundle_version=version,
        run_id="run",
        model_version="1",
        baseline="a baseline",
        verdict=Verdict("better", "model", "clearly better than the baseline"),
        metrics={"recall": 0.5, "undefined": None},
        baseline_metrics={"recall": 0.25},
        parameters=asdict(RecommendParameters()),
        columns=columns or {},
    )
