"""The values that columns are declared to have are those that the models give."""

from contracts import columns as c
from models.churn import bands
from models.demand.panel import CLASSES
from models.inventory.alerts import ALERTS
from models.segments import lifecycle, rfm
from models.uplift import bands as uplift
from pipelines.families.inventory.backtest import FORECAST
from pipelines.families.inventory.family import SAFETY_STOCK
from pipelines.families.trends import DIRECTIONS


def test_declared_values_are_those_of_the_models() -> None:
    stages = (lifecycle.PROSPECT, lifecycle.NEW, lifecycle.ACTIVE, lifecycle.COOLING, lifecycle.LAPSED)
    trends = set(DIRECTIONS.values())
    assert {name: set(values) for name, values in c.DECLARED_VALUES.items()} == {
        c.CHURN_BAND: {bands.LOW, bands.MEDIUM, bands.HIGH, bands.LAPSED},
        c.STAGE: {*stages, lifecycle.WON_BACK},
        c.RFM_SEGMENT: set(rfm.SEGMENTS),
        c.UPLIFT_BAND: {uplift.PERSUADABLE, uplift.SURE_THING, uplift.LOST_CAUSE, uplift.LEAVE_ALONE},
        "inventory_alert": set(ALERTS),
        "order_method": {FORECAST, SAFETY_STOCK},
        "demand_class": set(CLASSES),
        "trend": trends,
        "category_trend": trends,
    }
