"""A panel refuses what cannot be one, and is cut without losing what is known of the future."""

import numpy as np
import pytest

from contracts.errors import InputError
from tests.models.demand.worlds import panel_of


def test_negative_units_are_refused() -> None:
    with pytest.raises(InputError, match="0 or more"):
        panel_of([[1, -1]])


def test_a_covariate_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="'price' has shape"):
        panel_of([[1, 1]], future={"price": np.ones((1, 1), dtype=np.float32)})


def test_what_is_known_of_the_future_stays_when_the_past_is_cut() -> None:
    panel = panel_of(np.ones((2, 5)), future={"open": np.ones((2, 7), dtype=np.float32)})
    assert panel.ahead == 2
    assert panel.before(3).ahead == 4
    assert panel.before(3).end == panel.first + np.timedelta64(3, "D")


def test_a_missing_value_ahead_is_named() -> None:
    future = np.ones((1, 7), dtype=np.float32)
    future[0, 6] = np.nan
    panel = panel_of(np.ones((1, 5)), future={"open": future})
    panel.check_ahead(1)
    with pytest.raises(InputError, match="no value for 1 cells"):
        panel.check_ahead(2)


def test_the_first_sale_of_a_series_that_never_sold_lies_after_the_panel() -> None:
    assert panel_of([[0, 2, 0], [0, 0, 0]]).first_sale.tolist() == [1, 3]
