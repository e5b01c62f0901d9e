"""What the catalogue's attributes say of single items, and what becomes of values that cannot be meant."""

import json
import logging
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from models.inventory.terms import InventoryParameters, ItemTerms
from pipelines.families.inventory.terms import SHOWN, RefusedTerm, item_terms, report


def terms_of(*attributes: dict[str, Any], **store: float) -> tuple[ItemTerms, list[RefusedTerm]]:
    """Items a, b, ... at a price of 10, whose attributes these are."""
    names = [chr(ord("a") + place) for place in range(len(attributes))]
    rows = [
        dict.fromkeys(c.CATALOGUE.names)
        | {c.ITEM_ID: name, c.PRICE: 10.0, c.ATTRIBUTES: json.dumps(said) if said else None}
        for name, said in zip(names, attributes, strict=True)
    ]
    catalogue = pa.Table.from_pylist(rows[::-1], schema=c.CATALOGUE)
    return item_terms(catalogue, np.array(names), InventoryParameters(**store))


def test_the_stores_terms_hold_for_items_without_their_own() -> None:
    terms, refused = terms_of({}, {"colour": "red"}, lead_time_days=9, service_level=0.9)
    assert terms.lead_time_days.tolist() == terms.on_order_in_days.tolist() == [9, 9]
    assert terms.service_level.tolist() == [0.9, 0.9]
    assert terms.unit_cost.tolist() == [6, 6]  # 60 % of the price
    assert np.isnan(terms.shortage_cost).all()
    assert not refused


def test_an_items_own_terms_may_be_texts() -> None:
    terms, refused = terms_of({"lead_time_days": "21", "pack_size": 6, "unit_cost": 3.5, "on_order": 40}, {})
    assert terms.lead_time_days.tolist() == [21, 7]
    assert terms.on_order_in_days.tolist() == [21, 7]
    assert terms.pack_size.tolist() == [6, 1]
    assert terms.unit_cost.tolist() == [3.5, 6]
    assert terms.on_order.tolist() == [40, 0]
    assert not refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lead_time_days", "soon"),
        ("lead_time_days", -2),
        ("service_level", 95),
        ("pack_size", 0),
        ("on_order", "nan"),
        ("unit_cost", "inf"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named_and_the_stores_own_holds(name: str, value: Any) -> None:
    terms, refused = terms_of({}, {name: value})
    own, stores = getattr(terms, name)[1], getattr(terms, name)[0]
    assert own == stores
    assert [(term.item_id, term.column, term.value) for term in refused] == [("b", name, str(value))]
    assert "give a number between" in str(refused[0])


def test_an_item_that_the_catalogue_does_not_know_has_the_stores_terms() -> None:
    catalogue = c.CATALOGUE.empty_table()
    terms, _ = item_terms(catalogue, np.array(["x"]), InventoryParameters())
    assert terms.lead_time_days.tolist() == [7]
    assert np.isnan(terms.unit_cost).all()


def test_what_is_refused_is_logged_and_the_rest_counted(caplog: pytest.LogCaptureFixture) -> None:
    _, refused = terms_of(*({"lead_time_days": "soon"} for _ in range(SHOWN + 3)))
    with caplog.at_level(logging.WARNING):
        report(refused)
    assert len(caplog.messages) == SHOWN + 1
    assert "item 'a': lead_time_days is 'soon'" in caplog.messages[0]
    assert "3 more" in caplog.messages[-1]
