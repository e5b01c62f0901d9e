"""Expected orders agree with the probability of an order."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.families.family import BundleDraft
from pipelines.families.order_floor import with_orders_as_churn_says, with_orders_at_least
from recsys.reranking.policy import Policy

DRAFT = BundleDraft(Path(), datetime(2025, 6, 1, tzinfo=UTC), pa.table({}), frozenset(), Policy())


def table(horizon_days: int) -> pa.Table:
    orders = pa.array([0.1, 2.0, 0.1, None])
    return pa.table({
        "churn_risk": [0.4, 0.4, None, 0.4],
        "churn_horizon_days": pa.array([horizon_days] * 4, pa.int32()),
        "expected_orders_90d": orders,
    })  # fmt: skip


@pytest.mark.parametrize(("horizon_days", "orders"), [(60, [0.6, 2.0, 0.1, None]), (91, [0.1, 2.0, 0.1, None])])
def test_who_stays_within_the_90_days_orders_at_least_so_often(horizon_days: int, orders: list[float]) -> None:
    assert with_orders_as_churn_says(table(horizon_days), DRAFT)["expected_orders_90d"].to_pylist() == orders


def test_without_the_columns_nothing_changes() -> None:
    bare = pa.table({"customer_id": ["ada"]})
    assert with_orders_as_churn_says(bare, DRAFT) == bare
    assert with_orders_at_least(bare, pa.array([0.5])) == bare
