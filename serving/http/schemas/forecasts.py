"""The JSON of demand forecasts: of one item, and of the nodes of the hierarchy."""

from datetime import date
from typing import Any

from pydantic import Field

from serving.answers.forecasts.hierarchy import By
from serving.http.schemas.answer import Answer, Part


class ForecastDay(Part):
    """Units on one day: in 8 of 10 cases between low and high."""

    date: date
    low: float
    median: float
    high: float
    mean: float | None = Field(description="What is expected on average; these add up. Null in an older bundle.")


class PastDay(Part):
    """What customers wanted on one day before."""

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


class UnitsExpected(Part):
    """Units: in 8 of 10 cases between low and high."""

    low: float
    median: float
    high: float
    mean: float = Field(description="What is expected on average; these add up, the others do not.")


class LevelDay(UnitsExpected):
    """Units on one day, or in the week or month that begins on it."""

    date: date


class LevelRow(Part):
    """The store as a whole, one category or one channel."""

    name: str = Field(description="The category or channel; of the store as a whole: `total`.")
    total: UnitsExpected = Field(description="Of all days together, with a band of its own.")
    days: list[LevelDay]


class LevelForecastAnswer(Answer):
    """The demand of a level's nodes, those that sell most first."""

    by: By
    known: int = Field(description="How many the level has; more than `rows` where `name` or `limit` left some out.")
    rows: list[LevelRow]
