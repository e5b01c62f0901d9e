"""The JSON of catalogue updates."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.events import MAX_TEXT_CHARS
from recsys.data.attributes import MAX_ATTRIBUTE_CHARS, MAX_ATTRIBUTES
from serving.http.schemas.question import Id, Number, Price, Question

MAX_TOLD_ITEMS: Final = 1_000


class ToldItemQuestion(Question):
    """One item, new or known; what is left out stays as it was."""

    item_id: Id
    name: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    category: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    brand: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    price: Price | None = None
    stock: Price | None = Field(default=None, description="Units; left out: not tracked, taken as available.")
    available_from: AwareDatetime | None = Field(default=None, description="Not shown before; left out: now.")
    attributes: dict[Id, Annotated[str, Field(max_length=MAX_ATTRIBUTE_CHARS)] | Number] = Field(
        default={}, max_length=MAX_ATTRIBUTES
    )


class ToldItemsQuestion(Question):
    """Items that the recommender is to know at once."""

    items: list[ToldItemQuestion] = Field(min_length=1, max_length=MAX_TOLD_ITEMS)


class ToldItemsAnswer(BaseModel):
    """The items are stored, and what is served knows them."""

    model_config = ConfigDict(extra="forbid")

    success: Literal[True]
    told: int
    bundle_version: str | None = Field(description="The bundle that can recommend them now; null where none can yet.")
