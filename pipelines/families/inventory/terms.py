"""Supply terms of a store's items: the store's defaults, and the items' own from the catalogue's attributes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.validation.bounds import inventory_term, refused_term
from models.inventory.terms import InventoryParameters, ItemTerms

ITEM_TERMS: Final = tuple(field.name for field in fields(ItemTerms))
SHOWN: Final = 20
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RefusedTerm:
    """An item's value that is refused; the store's default is used instead."""

    item_id: str
    column: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"item {self.item_id!r}: {self.why}"


def item_terms(
    catalogue: pa.Table, item_ids: np.ndarray, parameters: InventoryParameters
) -> tuple[ItemTerms, list[RefusedTerm]]:
    """The terms of the items in the order of `item_ids`, and the values that were refused.

    `catalogue` has the columns of `columns.CATALOGUE`; the attributes read are those of ITEM_TERMS. An item's unit cost
    is its attribute, or else the parameters' share of its price.
    """
    row = pc.index_in(pa.array(item_ids, pa.string()), catalogue[c.ITEM_ID])
    price = catalogue[c.PRICE].take(row).to_numpy().astype(np.float64)
    texts = catalogue[c.ATTRIBUTES].take(row).to_pylist()
    stated = [orjson.loads(text) if text else {} for text in texts]
    refused: list[RefusedTerm] = []
    own = {name: _numbers(item_ids, stated, name, refused) for name in ITEM_TERMS}
    fallback = _fallbacks(parameters, price, own["lead_time_days"])
    terms = {name: np.where(np.isnan(own[name]), fallback[name], own[name]) for name in ITEM_TERMS}
    return ItemTerms(**terms), refused


def report(refused: Sequence[RefusedTerm]) -> None:
    """Log the refused values: the first ones in full, and how many more there are."""
    for term in refused[:SHOWN]:
        log.warning("inventory: %s", term)
    if len(refused) > SHOWN:
        log.warning("inventory: %d more values are refused; the family's terms.json lists them.", len(refused) - SHOWN)


def _fallbacks(
    parameters: InventoryParameters, price: np.ndarray, own_lead_time: np.ndarray
) -> dict[str, np.ndarray | float]:
    """The terms of items without a value of their own."""
    store: dict[str, float] = asdict(parameters)
    lead_time = np.where(np.isnan(own_lead_time), parameters.lead_time_days, own_lead_time)
    derived: dict[str, np.ndarray | float] = {
        "unit_cost": np.where(price > 0, price * parameters.unit_cost_share, np.nan),
        "shortage_cost": np.nan,
        "on_order": 0.0,
        "on_order_in_days": lead_time,  # at the latest, if it was ordered today
    }
    return {name: derived[name] if name in derived else store[name] for name in ITEM_TERMS}


def _numbers(
    item_ids: np.ndarray, stated: Sequence[Mapping[str, Any]], name: str, refused: list[RefusedTerm]
) -> np.ndarray:
    """Each item's own value of one term, NaN without one; a value that is no number or out of bounds is refused."""
    found = np.full(len(item_ids), np.nan)
    for place, attributes in enumerate(stated):
        if name not in attributes:
            continue
        value = inventory_term(name, attributes[name])
        if value is None:
            text = str(attributes[name])
            refused.append(RefusedTerm(str(item_ids[place]), name, text, refused_term(name, text)))
        else:
            found[place] = value
    return found
