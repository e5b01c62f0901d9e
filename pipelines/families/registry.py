"""Every family, a line each; training, gating, publishing and tracking know no other list."""

from typing import Final

from pipelines.families.churn import CHURN
from pipelines.families.declaration import Family
from pipelines.families.demand import DEMAND
from pipelines.families.inventory import INVENTORY
from pipelines.families.next_order import NEXT_ORDER
from pipelines.families.recommend import RECOMMEND
from pipelines.families.segments import SEGMENTS
from pipelines.families.trends import TRENDS
from pipelines.families.uplift import UPLIFT_FAMILY
from pipelines.families.value import VALUE

FAMILIES: Final[dict[str, Family]] = {
    family.name: family
    for family in (RECOMMEND, CHURN, VALUE, NEXT_ORDER, SEGMENTS, UPLIFT_FAMILY, DEMAND, INVENTORY, TRENDS)
}
