"""Whether the revenue that an order states is that of its lines."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from contracts.events.spec import Product, Properties

TOLERANCE: Final = 0.01  # of the revenue: lines are rounded one by one
SMALLEST: Final = 0.02  # as money


def disagrees(properties: Properties, products: Sequence[Product]) -> bool:
    """True where every line has a price, and their sum is not the stated revenue or total.

    The sum may be before or after the discount, with or without shipping and tax: shops state all of these. A single
    line may be one of several events, or rows of a file, that repeat the order's revenue, so that it may be less.
    """
    stated = properties.revenue if properties.revenue is not None else properties.total
    if stated is None or not products or any(product.price is None for product in products):
        return False
    lines = sum((product.price or 0.0) * _units(product) for product in products)
    allowed = max(abs(stated) * TOLERANCE, SMALLEST)
    if len(products) == 1 and stated > lines:
        return False
    extras = (-abs(properties.discount or 0.0), properties.shipping or 0.0, properties.tax or 0.0)
    sums = (lines + sum(chosen) for size in range(len(extras) + 1) for chosen in combinations(extras, size))
    return all(abs(stated - each) > allowed for each in sums)


def _units(product: Product) -> float:
    return 1.0 if product.quantity is None else product.quantity
