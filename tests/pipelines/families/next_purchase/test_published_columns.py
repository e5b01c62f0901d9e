"""The published columns of the next order: one curve per customer, which agrees with the churn risk."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts.bundle import FAMILY_TABLE, read_table, write_table
from models.next_purchase.calibration import HazardCalibration
from models.next_purchase.hazard_curves import HazardCurves, interval_edges
from models.next_purchase.model import HazardModel
from models.next_purchase.renewal_baseline import ELAPSED_EDGES, RenewalBaseline
from pipelines.families.family import BundleDraft
from pipelines.families.next_purchase.published_columns import (
    DATES,
    HAZARDS,
    KNOWN_BEFORE,
    SOON,
    coherent_with_churn,
    next_order_dates,
    own_table,
)
from recsys.reranking.policy import Policy

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
HORIZON = 62  # of the churn risk
CUSTOMERS = 300
EDGES = interval_edges(180)
CALIBRATION = HazardCalibration(0.0, 1.0)
IDS = [f"c{number:03}" for number in range(CUSTOMERS)]


@pytest.fixture
def draft(tmp_path: Path) -> BundleDraft:
    """A bundle whose family has a curve of any height for each customer."""
    rates = np.random.default_rng(1).gamma(0.7, 0.03, CUSTOMERS)
    baseline = RenewalBaseline(30.0, np.ones((2, len(ELAPSED_EDGES))))
    HazardModel(EDGES, baseline, None, CALIBRATION).write(tmp_path, {"least_chance": 0.2})
    curves = HazardCurves(EDGES, rates[:, None] * EDGES)
    write_table(tmp_path / FAMILY_TABLE, own_table(pa.array(IDS), curves, CALIBRATION, NOW, 0.2))
    return BundleDraft(tmp_path, NOW, pa.table({}), frozenset(), Policy())


def joined(draft: BundleDraft) -> pa.Table:
    """The customers' table before it agrees: risks and orders are drawn apart from the curves."""
    random = np.random.default_rng(2)
    risk = np.round(random.uniform(0, 1, CUSTOMERS), 4)
    own = read_table(draft.folder / FAMILY_TABLE).drop_columns([HAZARDS, KNOWN_BEFORE])
    own = own.append_column("churn_risk", pa.array(np.where(risk < 0.1, np.nan, risk), from_pandas=True))
    own = own.append_column("churn_horizon_days", pa.array([HORIZON] * CUSTOMERS, pa.int32()))
    return own.append_column("expected_orders_90d", pa.array(np.round(random.gamma(1.0, 0.7, CUSTOMERS), 3)))


def contradictions(table: pa.Table) -> dict[str, int]:
    """How many customers are told two things that cannot both be."""
    end = (NOW + timedelta(days=HORIZON)).date()
    risk, soon, orders = table["churn_risk"], table[SOON], table["expected_orders_90d"]
    expected, first, last = (table[name] for name in DATES)
    checks = {
        "sum": pc.greater(pc.add(risk, soon), 1 + 1e-9),
        "date inside": pc.and_(pc.greater(risk, 0.5), pc.less(expected, pa.scalar(end))),
        "date outside": pc.and_(pc.less(risk, 0.5), pc.greater(expected, pa.scalar(end))),
        "orders of a month": pc.less(orders, pc.subtract(soon, 1e-4)),
        "orders of the horizon": pc.less(orders, pc.subtract(1.0 - 1e-4, risk)),
        "range": pc.or_(pc.less(expected, first), pc.greater(expected, last)),
    }
    return {name: pc.sum(found).as_py() or 0 for name, found in checks.items()}


def test_no_customer_is_told_two_things_that_contradict(draft: BundleDraft) -> None:
    raw = joined(draft)
    before = contradictions(raw)
    assert min(before[name] for name in before if name != "range") > 10, before  # the control
    table = coherent_with_churn(raw, draft)
    assert set(contradictions(table).values()) == {0}, contradictions(table)
    assert table.schema.equals(raw.schema)
    assert table["churn_risk"].equals(raw["churn_risk"])
    assert table["next_order_expected"].null_count < CUSTOMERS


def test_who_is_not_scored_by_churn_keeps_the_curve(draft: BundleDraft) -> None:
    raw = joined(draft)
    names = ["customer_id", *DATES]
    before, after = (one.filter(raw["churn_risk"].is_null()) for one in (raw, coherent_with_churn(raw, draft)))
    assert before.num_rows > 10
    assert after.select(names).equals(before.select(names))
    assert after[SOON].to_numpy() == pytest.approx(before[SOON].to_numpy(), abs=1.01e-4)


def test_rows_of_any_order_and_strangers_get_their_own_answer(draft: BundleDraft) -> None:
    raw = joined(draft)
    usual = {row["customer_id"]: row for row in coherent_with_churn(raw, draft).to_pylist()}
    stranger = raw.slice(0, 1).set_column(0, "customer_id", pa.array(["zoe"]))
    other = coherent_with_churn(pa.concat_tables([raw.take(list(range(50, 0, -1))), stranger]), draft).to_pylist()
    assert all(row == usual[row["customer_id"]] for row in other[:-1])
    assert {other[-1][name] for name in (*DATES, SOON)} == {None}


def test_dates_before_the_day_of_the_bundle_are_left_out(draft: BundleDraft) -> None:
    late = BundleDraft(draft.folder, NOW + timedelta(days=40), pa.table({}), frozenset(), Policy())
    raw = joined(draft)
    told, kept = coherent_with_churn(raw, draft), coherent_with_churn(raw, late)
    today = date(2025, 7, 11)
    for name in DATES:
        to_come = [day if day is not None and day >= today else None for day in told[name].to_pylist()]
        assert kept[name].to_pylist() == to_come
    assert kept["next_order_expected"].null_count > told["next_order_expected"].null_count


def test_no_range_where_an_order_is_unlikely_and_no_date_where_fewer_than_half_order() -> None:
    curves = HazardCurves(EDGES, np.array([0.001, 0.003, 0.02])[:, None] * EDGES)
    dates = next_order_dates(curves, CALIBRATION, 0.5, 0.2)
    assert np.isnan(dates.expected).tolist() == [True, True, False]
    assert np.isnan(dates.first).tolist() == [True, False, False]
