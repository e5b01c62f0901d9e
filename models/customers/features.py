"""The numbers that churn is predicted from: what each speaks of, and which way it may push the risk."""

from typing import Final, NamedTuple


class ChurnFeature(NamedTuple):
    """One number; features of one topic share one reason. `direction` +1: more of it never lowers the risk; 0: free."""

    topic: str
    direction: int = 0


RHYTHM: Final = "rhythm"
FREQUENCY: Final = "frequency"
TENURE: Final = "tenure"
SPEND: Final = "spend"
RANGE: Final = "range"
VISITS: Final = "visits"
REFUNDS: Final = "refunds"

# Columns of the customer features, in the order of the model's matrix.
FEATURES: Final = {
    "recency_days": ChurnFeature(RHYTHM, +1),
    "gap_ratio": ChurnFeature(RHYTHM, +1),
    "orders_30d": ChurnFeature(RHYTHM, -1),
    "orders_90d": ChurnFeature(RHYTHM, -1),
    "mean_gap_days": ChurnFeature(RHYTHM),
    "min_gap_days": ChurnFeature(RHYTHM),
    "longest_gap_ratio": ChurnFeature(RHYTHM, +1),
    "silent_share": ChurnFeature(RHYTHM),
    "std_gap_days": ChurnFeature(RHYTHM),
    "max_gap_days": ChurnFeature(RHYTHM),
    "last_gap_days": ChurnFeature(RHYTHM),
    "orders": ChurnFeature(FREQUENCY, -1),
    "order_days": ChurnFeature(FREQUENCY, -1),
    "orders_180d": ChurnFeature(FREQUENCY, -1),
    "orders_365d": ChurnFeature(FREQUENCY, -1),
    "tenure_days": ChurnFeature(TENURE),
    "revenue": ChurnFeature(SPEND),
    "revenue_365d": ChurnFeature(SPEND),
    "average_order_value": ChurnFeature(SPEND),
    "max_order_value": ChurnFeature(SPEND),
    "first_order_value": ChurnFeature(SPEND),
    "last_order_value": ChurnFeature(SPEND),
    "unit_price": ChurnFeature(SPEND),
    "units": ChurnFeature(RANGE),
    "units_per_order": ChurnFeature(RANGE),
    "items": ChurnFeature(RANGE),
    "items_per_order": ChurnFeature(RANGE),
    "visit_recency_days": ChurnFeature(VISITS, +1),
    "visit_days_30d": ChurnFeature(VISITS, -1),
    "visit_days_90d": ChurnFeature(VISITS, -1),
    "views_30d": ChurnFeature(VISITS, -1),
    "views_90d": ChurnFeature(VISITS, -1),
    "carts_30d": ChurnFeature(VISITS, -1),
    "carts_90d": ChurnFeature(VISITS, -1),
    "visit_trend_days": ChurnFeature(VISITS),
    "refund_share": ChurnFeature(REFUNDS),
}

# What a model of the purchase history alone expects within the horizon; these follow the features in the matrix.
HABITS: Final = {
    "habit_log_odds": ChurnFeature(RHYTHM, -1),  # of an order
    "habit_customer_log_odds": ChurnFeature(RHYTHM, -1),  # of still being a customer
    "habit_log_orders": ChurnFeature(FREQUENCY, -1),
}
MODEL_FEATURES: Final = FEATURES | HABITS
