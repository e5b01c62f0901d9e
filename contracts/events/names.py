"""The names of track events: Segment's e-commerce spec v2, with the v1 names as aliases."""

from typing import Final

PRODUCT_VIEWED: Final = "Product Viewed"
PRODUCT_CLICKED: Final = "Product Clicked"
PRODUCT_ADDED: Final = "Product Added"
PRODUCT_REMOVED: Final = "Product Removed"
ORDER_COMPLETED: Final = "Order Completed"
ORDER_UPDATED: Final = "Order Updated"
ORDER_REFUNDED: Final = "Order Refunded"
ORDER_CANCELLED: Final = "Order Cancelled"

EVENT_NAMES: Final = (
    "Products Searched",
    "Product List Viewed",
    "Product List Filtered",
    "Promotion Viewed",
    "Promotion Clicked",
    PRODUCT_CLICKED,
    PRODUCT_VIEWED,
    PRODUCT_ADDED,
    PRODUCT_REMOVED,
    "Cart Viewed",
    "Cart Shared",
    "Checkout Started",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
    ORDER_COMPLETED,
    ORDER_UPDATED,
    ORDER_REFUNDED,
    ORDER_CANCELLED,
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Denied",
    "Coupon Removed",
    "Product Added to Wishlist",
    "Product Removed from Wishlist",
    "Wishlist Product Added to Cart",
    "Product Shared",
    "Product Reviewed",
)
V1_ALIASES: Final = {
    "Viewed Product Category": "Product List Viewed",
    "Viewed Promotion": "Promotion Viewed",
    "Clicked Promotion": "Promotion Clicked",
    "Viewed Product": PRODUCT_VIEWED,
    "Clicked Product": PRODUCT_CLICKED,
    "Added Product": PRODUCT_ADDED,
    "Removed Product": PRODUCT_REMOVED,
    "Viewed Cart": "Cart Viewed",
    "Started Checkout": "Checkout Started",
    "Viewed Checkout Step": "Checkout Step Viewed",
    "Completed Checkout Step": "Checkout Step Completed",
    "Entered Payment Info": "Payment Info Entered",
    "Completed Order": ORDER_COMPLETED,
    "Updated Order": ORDER_UPDATED,
    "Refunded Order": ORDER_REFUNDED,
    "Cancelled Order": ORDER_CANCELLED,
    "Searched Products": "Products Searched",
    "Added Product to Wishlist": "Product Added to Wishlist",
    "Reviewed Product": "Product Reviewed",
}
# Events that need an item.
NEEDS_ITEM: Final = frozenset({PRODUCT_VIEWED, PRODUCT_CLICKED, PRODUCT_ADDED, PRODUCT_REMOVED})
NEEDS_ORDER_ID: Final = frozenset({ORDER_COMPLETED, ORDER_REFUNDED, ORDER_CANCELLED})
IS_ORDER: Final = frozenset({ORDER_COMPLETED, ORDER_UPDATED})  # states what an order has

_CANONICAL: Final = {
    **{name.casefold(): name for name in EVENT_NAMES},
    **{alias.casefold(): name for alias, name in V1_ALIASES.items()},
}


def canonical_name(name: str) -> str | None:
    """The spec's name of an event; case is ignored, and `_` may replace a space. None where it is not in the spec."""
    folded = name.strip().casefold()
    return _CANONICAL.get(folded) or _CANONICAL.get(folded.replace("_", " "))
