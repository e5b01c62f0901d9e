"""Columns of a table of three items, for a recommender that knows two of them and one more."""

from datetime import date

import numpy as np
import pyarrow as pa

from recsys.data.batch_signals import BatchItemSignals
from recsys.data.vocabulary import Vocabulary

TABLE = pa.table(
    {
        "item_id": ["a", "b", "d"],
        "price": [1.0, 2.0, 3.0],
        "overstock_units": [4.0, None, 6.0],
        "order_quantity": pa.array([1, 2, None], pa.int64()),
        "inventory_alert": ["low_stock", None, "overstock"],
        "stockout_date": [date(2025, 6, 1)] * 3,
    }
)
FAMILIES = ("overstock_units", "order_quantity", "inventory_alert", "stockout_date", "trend")
COLUMNS = BatchItemSignals(TABLE, FAMILIES, Vocabulary.of("dcb"))


def test_wanted_columns_come_in_the_order_of_the_recommenders_items() -> None:
    found = COLUMNS.attributes(FAMILIES)
    assert found.names == ["inventory_alert", "order_quantity", "overstock_units"]  # a date is neither number nor text
    np.testing.assert_array_equal(found.number("overstock_units"), [np.nan, np.nan, 6])
    np.testing.assert_array_equal(found.number("order_quantity"), [2, np.nan, np.nan])
    assert [found.texts_of(item) for item in range(3)] == [{}, {}, {"inventory_alert": "overstock"}]


def test_what_nobody_wants_is_not_read_and_what_no_family_made_cannot_be_named() -> None:
    assert COLUMNS.attributes(["inventory_alert", "price", "colour"]).names == ["inventory_alert"]
    assert COLUMNS.attributes([]).names == []
