"""The JSON of one item's demand forecast."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.http.schemas.answer import Answer


class ForecastDay(BaseModel):
    """Units on one day: in 8 of 10 cases between low and high."""

    model_config = ConfigDict(extra="forbid")

    date: date
    low: float
    median: float
    high: float
    mean: float | None = Field(description="What is expected on average; these add up. Null in an older bundle.")


class PastDay(BaseModel):
    """What customers wanted on one day before."""

    model_config = ConfigDict(extra="forbid")

    date: date
    units: float | None = Field(description="Null where demand was not seen, as when nothing was in stock.")


class ForecastAnswer(Answer):
    """One item's demand, day by day, what sold before, and the item's own columns."""

    item_id: str
    days: list[ForecastDay]
    history: list[PastDay] = Field(description="The days before the first of `days`; empty in an older bundle.")
    totals: dict[str, Any] = Field(
        description="The forecast family's own columns, among them the units of all days; daily medians do not add up."
    )
    item: dict[str, Any] | None
