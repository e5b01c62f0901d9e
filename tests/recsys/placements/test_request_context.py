"""The seed items of a request."""

from typing import Any

import numpy as np
import pytest

from recsys.placements.request_context import RequestContext
from recsys.request import Query

NOTHING: Any = None  # seeds look at nothing else


@pytest.mark.parametrize(
    ("item", "cart", "seeds"), [(-1, [], []), (3, [], [3]), (-1, [5, 4], [5, 4]), (3, [5, 4], [5, 4])]
)
def test_the_seeds_are_the_carts_items_else_the_open_one(item: int, cart: list[int], seeds: list[int]) -> None:
    context = RequestContext(Query(), NOTHING, item, np.array(cart, np.int64), NOTHING, 0, NOTHING, NOTHING)
    assert context.seeds.tolist() == seeds
    assert context.seeds.dtype == np.int64
