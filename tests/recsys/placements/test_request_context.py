from typing import Any

import numpy as np
import pytest

from recsys.placements.request_context import RequestContext
from recsys.request import Query

NOTHING: Any = None  # the page looks at nothing else


@pytest.mark.parametrize(("item", "page"), [(-1, []), (3, [3]), (0, [0])])
def test_the_page_is_the_open_item_if_there_is_one(item: int, page: list[int]) -> None:
    cart = np.array([5, 4], np.int64)
    assert RequestContext(Query(), NOTHING, item, cart, NOTHING, 0, NOTHING, NOTHING).page == page
