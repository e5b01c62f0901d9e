import pytest

from contracts.events.order_total import disagrees
from contracts.events.spec import Product, Properties

TWO = (Product(product_id="tea", price=10.0, quantity=2.0), Product(product_id="cup", price=5.0))  # 25
ONE = (Product(product_id="tea", price=10.0, quantity=2.0),)  # 20


@pytest.mark.parametrize(
    "stated",
    [
        {"revenue": 25.0},
        {"revenue": 25.02},
        {"revenue": 22.0, "discount": 3.0},
        {"revenue": 22.0, "discount": -3.0},
        {"revenue": 25.0, "discount": 3.0},
        {"total": 34.0, "shipping": 5.0, "tax": 4.0},
        {"total": 31.0, "discount": 3.0, "shipping": 5.0, "tax": 4.0},
        {"revenue": 29.0, "tax": 4.0},
        {},
    ],
)
def test_a_sum_that_shops_state_agrees(stated: dict[str, float]) -> None:
    assert not disagrees(Properties(**stated), TWO)


@pytest.mark.parametrize("stated", [{"revenue": 26.0}, {"revenue": 2500.0}, {"total": 20.0}, {"revenue": 0.0}])
def test_another_sum_disagrees(stated: dict[str, float]) -> None:
    assert disagrees(Properties(**stated), TWO)


def test_a_single_line_may_be_a_part_of_the_order() -> None:
    assert not disagrees(Properties(revenue=200.0), ONE)
    assert disagrees(Properties(revenue=2.0), ONE)


def test_lines_without_a_price_tell_nothing() -> None:
    assert not disagrees(Properties(revenue=1.0), (*TWO, Product(product_id="pot")))
    assert not disagrees(Properties(revenue=1.0), ())
