"""Columns that publishing derives: from several families, and by each family that the bundle holds."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.families.churn import CHURN
from pipelines.families.family import BundleDraft
from pipelines.publishing.customer_columns import DERIVED_COLUMNS, with_derived_columns
from recsys.reranking.policy import Policy

CUSTOMERS = ["ada", "bob", "cleo", "dan"]
DRAFT = BundleDraft(Path("bundle"), datetime(2025, 6, 1, tzinfo=UTC), pa.table({}), frozenset(), Policy())


def customers(**columns: Any) -> pa.Table:
    base = {"customer_id": CUSTOMERS, "churn_risk": [0.5, None, 0.25, 0.0], "churn_band": ["medium"] * 4}
    return pa.table(base | columns)


def test_value_at_risk_is_risk_times_value_and_missing_where_either_is() -> None:
    table = customers(expected_value_90d=[80.0, 10.0, None, 50.0])
    assert with_derived_columns(table, [], DRAFT)["value_at_risk"].to_pylist() == [40.0, None, None, 0.0]


@pytest.mark.parametrize("missing", ["churn_risk", "expected_value_90d"])
def test_without_a_family_its_products_are_left_out(missing: str) -> None:
    table = customers(expected_value_90d=[1.0] * 4).drop_columns(missing)
    assert "value_at_risk" not in with_derived_columns(table, [], DRAFT).column_names


def test_a_table_of_bare_customers_stays_as_it_is() -> None:
    bare = pa.table({"customer_id": CUSTOMERS})
    assert with_derived_columns(bare, [], DRAFT) == bare


def test_every_column_has_its_sentence() -> None:
    table = customers(expected_value_90d=[1.0] * 4)
    derived = with_derived_columns(table, [], DRAFT)
    assert derived.column_names == [*table.column_names, "value_at_risk", "suggested_action"]
    assert set(DERIVED_COLUMNS) == set(derived.column_names) - set(table.column_names)


def test_a_family_derives_its_columns_from_its_own_folder_between_the_two() -> None:
    def derive(table: pa.Table, draft: BundleDraft) -> pa.Table:
        assert "value_at_risk" in table.column_names
        return table.append_column("folder", pa.array([str(draft.folder)] * table.num_rows))

    table = with_derived_columns(
        customers(expected_value_90d=[1.0] * 4), [replace(CHURN, name="imaginary", derive=derive)], DRAFT
    )
    assert table["folder"].to_pylist() == [str(Path("bundle") / "imaginary")] * 4
    assert table.column_names[-1] == "suggested_action"
