"""The features that customers are predicted from: the topic of each, and its direction on the churn risk."""

from typing import Final, NamedTuple


class CustomerFeature(NamedTuple):
    """The features of one topic share one explanation. `direction` is the monotone constraint on the churn risk:

    +1 where more never lowers it, -1 where more never raises it, 0 without a constraint.
    """

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
    "recency_days": CustomerFeature(RHYTHM, +1),
    "gap_ratio": CustomerFeature(RHYTHM, +1),
    "orders_30d": CustomerFeature(RHYTHM, -1),
    "orders_90d": CustomerFeature(RHYTHM, -1),
    "mean_gap_days": CustomerFeature(RHYTHM),
    "min_gap_days": CustomerFeature(RHYTHM),
    "longest_gap_ratio": CustomerFeature(RHYTHM, +1),
    "silent_share": CustomerFeature(RHYTHM),
    "std_gap_days": CustomerFeature(RHYTHM),
    "max_gap_days": CustomerFeature(RHYTHM),
    "last_gap_days": CustomerFeature(RHYTHM),
    "orders": CustomerFeature(FREQUENCY, -1),
    "order_days": CustomerFeature(FREQUENCY, -1),
    "orders_180d": CustomerFeature(FREQUENCY, -1),
    "orders_365d": CustomerFeature(FREQUENCY, -1),
    "tenure_days": CustomerFeature(TENURE),
    "revenue": CustomerFeature(SPEND),
    "revenue_365d": CustomerFeature(SPEND),
    "average_order_value": CustomerFeature(SPEND),
    "max_order_value": CustomerFeature(SPEND),
    "first_order_value": CustomerFeature(SPEND),
    "last_order_value": CustomerFeature(SPEND),
    "unit_price": CustomerFeature(SPEND),
    "units": CustomerFeature(RANGE),
    "units_per_order": CustomerFeature(RANGE),
    "items": CustomerFeature(RANGE),
    "items_per_order": CustomerFeature(RANGE),
    "visit_recency_days": CustomerFeature(VISITS, +1),
    "visit_days_30d": CustomerFeature(VISITS, -1),
    "visit_days_90d": CustomerFeature(VISITS, -1),
    "views_30d": CustomerFeature(VISITS, -1),
    "views_90d": CustomerFeature(VISITS, -1),
    "carts_30d": CustomerFeature(VISITS, -1),
    "carts_90d": CustomerFeature(VISITS, -1),
    "visit_trend_days": CustomerFeature(VISITS),
    "refund_share": CustomerFeature(REFUNDS),
}

# The BTYD forecast of the horizon; its columns follow the others in the models' matrix.
BTYD_FEATURES: Final = {
    "btyd_log_odds": CustomerFeature(RHYTHM, -1),  # of an order
    "btyd_active_log_odds": CustomerFeature(RHYTHM, -1),  # of being active
    "btyd_log_orders": CustomerFeature(FREQUENCY, -1),
}
MODEL_FEATURES: Final = FEATURES | BTYD_FEATURES
