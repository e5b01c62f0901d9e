"""Columns of the customers' table that need several families, or files of a family, and are made at publication."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from pipelines.families.family import BundleDraft, Family
from pipelines.publishing.next_best_action import described_actions, next_best_actions

DERIVED_COLUMNS: Final = {
    c.VALUE_AT_RISK: "What the store stands to lose: the risk that the customer leaves times the value expected in the "
    "next 90 days; empty where either is not known.",
    c.SUGGESTED_ACTION: "What to do: the first of these rules that applies. A rule whose data are not known does not "
    f"apply: {described_actions()}. Consent is not looked at where the store never stated any.",
}


def with_derived_columns(table: pa.Table, families: Iterable[Family], draft: BundleDraft) -> pa.Table:
    """The customers' table with DERIVED_COLUMNS and those that each of the bundle's families derives.

    `draft.folder` is the whole bundle's. A column whose inputs are all missing is left out.
    """
    table = _with_value_at_risk(table)
    for family in families:
        if family.derive is not None:
            table = family.derive(table, replace(draft, folder=draft.folder / family.name))
    actions = next_best_actions(table)
    return table.append_column(c.SUGGESTED_ACTION, actions) if actions.null_count < len(actions) else table


def _with_value_at_risk(table: pa.Table) -> pa.Table:
    if not {c.CHURN_RISK, c.EXPECTED_VALUE_90D} <= set(table.column_names):
        return table
    risk, value = (table[name].cast(pa.float64()) for name in (c.CHURN_RISK, c.EXPECTED_VALUE_90D))
    return table.append_column(c.VALUE_AT_RISK, pc.round(pc.multiply(risk, value), 2))
