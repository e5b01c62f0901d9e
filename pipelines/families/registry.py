"""Every family, a line each. Training, gating, publishing and tracking go through this list."""

from typing import Final

from pipelines.families.churn import CHURN
from pipelines.families.demand.family import DEMAND
from pipelines.families.family import Family
from pipelines.families.inventory.family import INVENTORY
from pipelines.families.lifetime_value import VALUE
from pipelines.families.next_purchase.family import NEXT_ORDER
from pipelines.families.recommend.family import RECOMMEND
from pipelines.families.segments import SEGMENTS
from pipelines.families.trends import TRENDS
from pipelines.families.uplift.family import UPLIFT_FAMILY

FAMILIES: Final[dict[str, Family]] = {
    family.name: family
    for family in (RECOMMEND, CHURN, VALUE, NEXT_ORDER, SEGMENTS, UPLIFT_FAMILY, DEMAND, INVENTORY, TRENDS)
}
STORE_CADENCE: Final = CHURN  # its horizon is also that of the store's KPIs
