"""Filters over a catalogue of four items."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.request import Filters
from recsys.reranking.filters import FilterMasks, matching_items, wanted_values

ITEMS = Items.of(
    ["a-tea", "b-mug", "c-pot", "d-new"],
    categories=["drinks", "dishes", "dishes", None],
    brands=["a", "b", "a", None],
    price=np.array([5.0, 10.0, 20.0, np.nan]),
    stock=np.array([3.0, 0.0, np.nan, 1.0]),
    attributes=[{"colour": "green"}, {"colour": "red"}, {"colour": "red"}, {}],
)


@pytest.mark.parametrize(
    ("filters", "allowed"),
    [
        (Filters(), [0, 2, 3]),  # stock that is not tracked counts as in stock
        (Filters(in_stock_only=False), [0, 1, 2, 3]),
        (Filters(categories=("dishes",)), [2]),
        (Filters(brands=("a", "b")), [0, 2]),
        (
            Filters(price_min=5, price_max=10, in_stock_only=False),
            [0, 1],
        ),  # both ends belong; an unknown price does not
        (Filters(attributes={"colour": ("red",)}, in_stock_only=False), [1, 2]),
        (Filters(attributes={"size": ("4",)}), []),
        (Filters(categories=("none",)), []),
    ],
)
def test_filters_allow_what_matches(filters: Filters, allowed: list[int]) -> None:
    assert np.flatnonzero(matching_items(ITEMS, filters)).tolist() == allowed


def test_masks_of_equal_filters_are_shared_whatever_single_items_they_exclude() -> None:
    masks = FilterMasks(ITEMS)
    mask = masks.of(Filters(brands=("a",)))
    assert masks.of(Filters(brands=("a",), exclude_items=("a-tea",), exclude_known=True)) is mask
    assert masks.of(Filters(brands=("b",))) is not mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = True


def test_attributes_without_values_are_no_filter() -> None:
    filters = Filters(categories=("x",), attributes={"colour": ("red",), "size": ()})
    assert wanted_values(filters) == [("category", ("x",)), ("colour", ("red",))]
