"""Terms that cannot be meant are refused in words."""

import pytest

from contracts.errors import InputError
from contracts.validation.bounds import INVENTORY_TERMS
from models.inventory.terms import InventoryParameters


def test_the_defaults_are_allowed() -> None:
    assert vars(InventoryParameters()).keys() <= INVENTORY_TERMS.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [("service_level", 95), ("lead_time_days", -1), ("review_days", 0), ("pack_size", 0), ("order_cost", "dear")],
)
def test_a_term_outside_its_bounds_is_named(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{name} is {value!r}; give a number between"):
        InventoryParameters(**{name: value})
