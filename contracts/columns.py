"""Every column name and stored type, defined once.

`EVENT_LINES` is the stored form of events: one row per event, or, for an event that carries
several products, one row per product (`line` counts from 0). Values of the event as a whole
(`order_id`, `revenue`, ...) repeat on each of its lines.
"""

from typing import Final

import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

# --- one event, or one product line of it -----------------------------------------------------
MESSAGE_ID: Final = "message_id"  # dedupe key
LINE: Final = "line"
TYPE: Final = "type"  # track | identify | page | alias
EVENT: Final = "event"  # canonical e-commerce v2 name; null unless type is track
OCCURRED_AT: Final = "occurred_at"  # the sender's clock
RECEIVED_AT: Final = "received_at"  # our clock
SOURCE: Final = "source"  # the reader, mapping or API key that the event came through
ANONYMOUS_ID: Final = "anonymous_id"
USER_ID: Final = "user_id"
PREVIOUS_ID: Final = "previous_id"  # alias only
SESSION_ID: Final = "session_id"
CHANNEL: Final = "channel"  # marketing channel
COUNTRY: Final = "country"
DEVICE: Final = "device"
ORDER_ID: Final = "order_id"
CURRENCY: Final = "currency"
REVENUE: Final = "revenue"  # of the whole event, as sent
DISCOUNT: Final = "discount"
FEES: Final = "fees"  # shipping, tax, postage and manual charges: amounts without an item
COUPON: Final = "coupon"
QUERY: Final = "query"
PAGE_PATH: Final = "page_path"
ITEM_ID: Final = "item_id"
QUANTITY: Final = "quantity"  # always positive; the event's name tells a purchase from a return
PRICE: Final = "price"  # per unit
ITEM_NAME: Final = "item_name"
ITEM_CATEGORY: Final = "item_category"
ITEM_BRAND: Final = "item_brand"
CONSENT_ANALYTICS: Final = "consent_analytics"  # null: not stated
CONSENT_PERSONALIZATION: Final = "consent_personalization"
CONSENT_MARKETING: Final = "consent_marketing"
TRAITS: Final = "traits"  # identify only: the traits as JSON text

EVENT_LINES: Final = pa.schema(
    [
        pa.field(MESSAGE_ID, pa.string(), nullable=False),
        pa.field(LINE, pa.int32(), nullable=False),
        pa.field(TYPE, pa.string(), nullable=False),
        pa.field(EVENT, pa.string()),
        pa.field(OCCURRED_AT, TIMESTAMP, nullable=False),
        pa.field(RECEIVED_AT, TIMESTAMP, nullable=False),
        pa.field(SOURCE, pa.string(), nullable=False),
        pa.field(ANONYMOUS_ID, pa.string()),
        pa.field(USER_ID, pa.string()),
        pa.field(PREVIOUS_ID, pa.string()),
        pa.field(SESSION_ID, pa.string()),
        pa.field(CHANNEL, pa.string()),
        pa.field(COUNTRY, pa.string()),
        pa.field(DEVICE, pa.string()),
        pa.field(ORDER_ID, pa.string()),
        pa.field(CURRENCY, pa.string()),
        pa.field(REVENUE, pa.float64()),
        pa.field(DISCOUNT, pa.float64()),
        pa.field(FEES, pa.float64()),
        pa.field(COUPON, pa.string()),
        pa.field(QUERY, pa.string()),
        pa.field(PAGE_PATH, pa.string()),
        pa.field(ITEM_ID, pa.string()),
        pa.field(QUANTITY, pa.float64()),
        pa.field(PRICE, pa.float64()),
        pa.field(ITEM_NAME, pa.string()),
        pa.field(ITEM_CATEGORY, pa.string()),
        pa.field(ITEM_BRAND, pa.string()),
        pa.field(CONSENT_ANALYTICS, pa.bool_()),
        pa.field(CONSENT_PERSONALIZATION, pa.bool_()),
        pa.field(CONSENT_MARKETING, pa.bool_()),
        pa.field(TRAITS, pa.string()),
    ]
)

# --- identity and consent, derived from the events ----------------------------------------------
CUSTOMER_ID: Final = "customer_id"  # one id for all ids of a person
IS_KNOWN: Final = "is_known"  # true if the customer has a user id

ALLOWS_PERSONALIZATION: Final = "allows_personalization"  # by the latest consent; true where none was stated

# The input of feature functions: stored lines with their customer.
EVENTS: Final = pa.schema(
    [
        *EVENT_LINES,
        pa.field(CUSTOMER_ID, pa.string(), nullable=False),
        pa.field(IS_KNOWN, pa.bool_(), nullable=False),
        pa.field(ALLOWS_PERSONALIZATION, pa.bool_(), nullable=False),
    ]
)

# --- the catalogue --------------------------------------------------------------------------------
STOCK: Final = "stock"
AVAILABLE_FROM: Final = "available_from"
UPDATED_AT: Final = "updated_at"
ATTRIBUTES: Final = "attributes"  # further columns of a catalogue file, as the JSON text of one object

CATALOGUE: Final = pa.schema(
    [
        pa.field(ITEM_ID, pa.string(), nullable=False),
        pa.field(ITEM_NAME, pa.string()),
        pa.field(ITEM_CATEGORY, pa.string()),
        pa.field(ITEM_BRAND, pa.string()),
        pa.field(PRICE, pa.float64()),
        pa.field(STOCK, pa.float64()),  # null: not tracked, taken as available
        pa.field(AVAILABLE_FROM, TIMESTAMP),
        pa.field(UPDATED_AT, TIMESTAMP),
        pa.field(ATTRIBUTES, pa.string()),
    ]
)

# --- customers -----------------------------------------------------------------------------------
AS_OF: Final = "as_of"  # the row uses no event at or after this instant
FIRST_ORDER_AT: Final = "first_order_at"
LAST_ORDER_AT: Final = "last_order_at"
ORDERS: Final = "orders"
EMAIL: Final = "email"  # a trait of identify events and a column of exports; never in a bundle

# Columns of the customers' table that other modules read.
CHURN_RISK: Final = "churn_risk"
CHURN_RISK_LOW: Final = "churn_risk_low"
CHURN_RISK_HIGH: Final = "churn_risk_high"
CHURN_BAND: Final = "churn_band"  # high | medium | low | lapsed
CHURN_REASONS: Final = ("churn_reason_1", "churn_reason_2", "churn_reason_3")
CHURN_HORIZON_DAYS: Final = "churn_horizon_days"
CHURN_OUTCOME: Final = "churn_outcome"  # of the backtest: 1 if there was no order
EXPECTED_VALUE_30D: Final = "expected_value_30d"
EXPECTED_VALUE_90D: Final = "expected_value_90d"
EXPECTED_VALUE_90D_LOW: Final = "expected_value_90d_low"
EXPECTED_VALUE_90D_HIGH: Final = "expected_value_90d_high"
EXPECTED_VALUE_365D: Final = "expected_value_365d"
EXPECTED_ORDERS_90D: Final = "expected_orders_90d"
NEXT_ORDER_EXPECTED: Final = "next_order_expected"
NEXT_ORDER_FROM: Final = "next_order_from"
NEXT_ORDER_TO: Final = "next_order_to"
RFM_SEGMENT: Final = "rfm_segment"
STAGE: Final = "stage"  # new | active | cooling | lapsed | won_back | prospect
CLUSTER: Final = "cluster"
UPLIFT_BAND: Final = "uplift_band"  # persuadable | sure_thing | lost_cause | leave_alone
VALUE_AT_RISK: Final = "value_at_risk"
SUGGESTED_ACTION: Final = "suggested_action"
RECOMMENDED_ITEMS: Final = "recommended_items"

# Every value that these columns of published tables may have, whether or not a row has it today.
DECLARED_VALUES: Final[dict[str, tuple[str, ...]]] = {
    CHURN_BAND: ("high", "medium", "low", "lapsed"),
    STAGE: ("prospect", "new", "active", "cooling", "lapsed", "won_back"),
    RFM_SEGMENT: (
        "champions",
        "loyal",
        "potential loyalists",
        "new customers",
        "promising",
        "needs attention",
        "about to sleep",
        "at risk",
        "can't lose them",
        "hibernating",
        "lost",
    ),
    UPLIFT_BAND: ("persuadable", "sure_thing", "lost_cause", "leave_alone"),
    "inventory_alert": ("out_of_stock", "runs_out_before_delivery", "low_stock", "overstock"),
    "order_method": ("forecast", "safety_stock"),
    "demand_class": ("smooth", "erratic", "intermittent", "lumpy", "new", "all_zero"),
    "trend": ("rising", "falling", "steady"),
    "category_trend": ("rising", "falling", "steady"),
}

# --- campaigns: who is contacted, and the random holdout -------------------------------------------
CAMPAIGN: Final = "campaign"
ARM: Final = "arm"  # contacted | holdout
ASSIGNED_AT: Final = "assigned_at"

CAMPAIGNS: Final = pa.schema(
    [
        pa.field(CAMPAIGN, pa.string(), nullable=False),
        pa.field(CUSTOMER_ID, pa.string(), nullable=False),
        pa.field(ARM, pa.string(), nullable=False),
        pa.field(ASSIGNED_AT, TIMESTAMP, nullable=False),
    ]
)

HOLDOUT_SHARE: Final = "holdout_share"  # that was drawn, of the campaign's customers

# The input of the uplift family.
ASSIGNMENTS: Final = pa.schema([*CAMPAIGNS, pa.field(HOLDOUT_SHARE, pa.float64(), nullable=False)])

# --- interactions and demand ----------------------------------------------------------------------
KIND: Final = "kind"  # view | cart | order
DAY: Final = "day"
UNITS: Final = "units"
DATE: Final = "date"
UNITS_LOW: Final = "units_low"  # quantile 0.1
UNITS_MEDIAN: Final = "units_median"
UNITS_HIGH: Final = "units_high"  # quantile 0.9
UNITS_MEAN: Final = "units_mean"
LEVEL: Final = "level"  # total | category | channel
NODE_NAME: Final = "name"  # a category or a channel; "total" for the store as a whole
IS_OBSERVED: Final = "is_known"  # of a period's demand

# One row per item and period of the horizon, sorted by item, then day. Expected units add up, quantiles do not.
FORECAST: Final = pa.schema(
    [
        pa.field(ITEM_ID, pa.string(), nullable=False),
        pa.field(DATE, pa.date32(), nullable=False),
        pa.field(UNITS_LOW, pa.float32(), nullable=False),
        pa.field(UNITS_MEDIAN, pa.float32(), nullable=False),
        pa.field(UNITS_HIGH, pa.float32(), nullable=False),
        pa.field(UNITS_MEAN, pa.float32(), nullable=False),
    ]
)

# Sums over items: one row per level, node and period, sorted by level, best sellers first. The means of every level are
# sums of the items' means. Items without a category are a node of their own.
LEVEL_FORECAST: Final = pa.schema(
    [pa.field(LEVEL, pa.string(), nullable=False), pa.field(NODE_NAME, pa.string(), nullable=False)]
    + [field for field in FORECAST if field.name != ITEM_ID]
)

# The same for the whole horizon, with its own band: one row per level and node, in the order of `LEVEL_FORECAST`.
LEVEL_TOTALS: Final = pa.schema(
    [
        pa.field(LEVEL, pa.string(), nullable=False),
        pa.field(NODE_NAME, pa.string(), nullable=False),
        pa.field(UNITS_LOW, pa.float64(), nullable=False),
        pa.field(UNITS_MEDIAN, pa.float64(), nullable=False),
        pa.field(UNITS_HIGH, pa.float64(), nullable=False),
        pa.field(UNITS_MEAN, pa.float64(), nullable=False),
    ]
)

# Past demand: one row per item and period, sorted by item, then day. IS_OBSERVED is false where demand was not
# observed, for example while the item was out of stock.
DEMAND_HISTORY: Final = pa.schema(
    [
        pa.field(ITEM_ID, pa.string(), nullable=False),
        pa.field(DATE, pa.date32(), nullable=False),
        pa.field(UNITS, pa.float32(), nullable=False),
        pa.field(IS_OBSERVED, pa.bool_(), nullable=False),
    ]
)

# --- quarantine -----------------------------------------------------------------------------------
CODE: Final = "code"
REASON: Final = "reason"
RAW: Final = "raw"
ORIGIN: Final = "origin"  # file and line, or the event log's cursor

QUARANTINE: Final = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),  # hash of the record: the same bad row is kept once
        pa.field(CODE, pa.string(), nullable=False),
        pa.field(REASON, pa.string(), nullable=False),
        pa.field(RAW, pa.string(), nullable=False),
        pa.field(ORIGIN, pa.string(), nullable=False),
        pa.field(SOURCE, pa.string(), nullable=False),
        pa.field(RECEIVED_AT, TIMESTAMP, nullable=False),
    ]
)
