"""The JSON of the store's KPIs and of its cohorts."""

from datetime import date
from typing import Annotated

from pydantic import Field

from serving.answers.kpis import ALL_CHANNELS
from serving.http.schemas.answer import Answer, Part

Share = Annotated[float, Field(ge=0, le=1)]


class KpiRow(Part):
    """One month, of one channel or of all."""

    month: date = Field(description="Its first day, in UTC.")
    channel: str = Field(description=f"The marketing channel of the order; `{ALL_CHANNELS}`: their sum.")
    is_complete: bool = Field(description="False for the month under way.")
    orders: int = Field(description="Without those that were cancelled or wholly refunded since.")
    revenue: float = Field(description="For products, after discounts and refunds, without shipping and tax.")
    average_order_value: float | None
    customers: int = Field(description="Who ordered; every device of a guest counts as one.")
    new_customers: int = Field(description="Whose first order this was.")
    repeat_customers: int = Field(description="Who ordered, and had done so on an earlier day.")
    repeat_rate: Share | None = Field(description="repeat_customers / customers.")
    revenue_per_customer: float | None
    lapsed_customers: int | None = Field(description="Whose silence reached `lapse_days` in this month.")
    churned_value: float | None = Field(description="What these had spent in the year up to their last order.")


class KpisAnswer(Answer):
    """The figures, month by month."""

    lapse_days: int | None = Field(description="Silence after which a customer is lost; null: the store is too young.")
    rows: list[KpiRow]


class CohortRow(Part):
    """The customers whose first order lies in one month, some months later."""

    cohort_month: date = Field(description="Its first day, in UTC.")
    months_since: int = Field(description="0: the month of the first order itself.")
    is_complete: bool = Field(description="False where the later month is under way.")
    customers: int = Field(description="Of the cohort, whether they came back or not.")
    active: int = Field(description="Who of them ordered in the later month.")
    retention: Share = Field(description="active / customers.")
    revenue: float


class CohortsAnswer(Answer):
    """What became of each month's new customers."""

    lapse_days: int | None = Field(description="Silence after which a customer is lost; null: the store is too young.")
    rows: list[CohortRow]
