"""Every family, a line each; training, gating, publishing and tracking know no other list."""

from typing import Final

from pipelines.families.churn import CHURN
from pipelines.families.declaration import Family
from pipelines.families.demand import DEMAND
from pipelines.families.recommend import RECOMMEND

FAMILIES: Final[dict[str, Family]] = {family.name: family for family in (RECOMMEND, CHURN, DEMAND)}
