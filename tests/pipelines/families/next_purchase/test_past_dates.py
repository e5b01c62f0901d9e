"""Expected dates that have passed are no forecast."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from pipelines.families.family import BundleDraft
from pipelines.families.next_purchase.past_dates import without_past_dates
from recsys.reranking.policy import Policy

MIDNIGHT = datetime(2025, 6, 1, tzinfo=UTC)
YESTERDAY, TODAY, LATER = date(2025, 5, 31), date(2025, 6, 1), date(2025, 7, 1)


def draft(as_of: datetime) -> BundleDraft:
    return BundleDraft(Path(), as_of, pa.table({}), frozenset(), Policy())


def test_dates_before_the_day_of_the_bundle_are_emptied() -> None:
    table = pa.table({
        "next_order_expected": [YESTERDAY, TODAY, LATER, None],
        "next_order_from": [YESTERDAY, YESTERDAY, TODAY, None],
        "next_order_to": [YESTERDAY, LATER, LATER, None],
    })  # fmt: skip
    kept = without_past_dates(table, draft(MIDNIGHT + timedelta(hours=23)))
    assert kept.schema == table.schema
    assert kept.to_pydict() == {
        "next_order_expected": [None, TODAY, LATER, None],
        "next_order_from": [None, None, TODAY, None],
        "next_order_to": [None, LATER, LATER, None],
    }
    assert without_past_dates(table, draft(MIDNIGHT - timedelta(days=1))) == table  # the control


def test_a_table_without_dates_stays_as_it_is() -> None:
    bare = pa.table({"customer_id": ["ada"]})
    assert without_past_dates(bare, draft(MIDNIGHT)) == bare
