"""The JSON of catalogue updates: requests are decoded into it, answers are documented by it."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from pydantic import Field

from contracts.events.parse import MAX_TEXT_CHARS
from contracts.validation.bounds import MAX_ATTRIBUTE, MAX_UNITS
from recsys.data.attributes import MAX_ATTRIBUTE_CHARS, MAX_ATTRIBUTES
from recsys.request import Id, Price
from serving.http.schemas.answer import Part

MAX_ITEMS: Final = 1_000

_Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
_Number = Annotated[float, Meta(ge=-MAX_ATTRIBUTE, le=MAX_ATTRIBUTE)]
_Units = Annotated[float, Meta(ge=0, le=MAX_UNITS)]
_Attribute = Annotated[str, Meta(max_length=MAX_ATTRIBUTE_CHARS)] | _Number | bool


class ItemUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """One item, new or known; what is left out stays as it was."""

    item_id: Id
    name: _Text | None = None
    category: _Text | None = None
    brand: _Text | None = None
    price: Price | None = None
    stock: Annotated[_Units | None, Meta(description="Units; left out: not tracked, taken as available.")] = None
    available_from: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="Not shown before; left out: now.")
    ] = None
    attributes: Annotated[dict[Id, _Attribute], Meta(max_length=MAX_ATTRIBUTES)] = {}


class ItemUpdates(Struct, frozen=True, forbid_unknown_fields=True):
    """Items that the recommender is to know at once."""

    items: Annotated[list[ItemUpdate], Meta(min_length=1, max_length=MAX_ITEMS)]


class RawItemUpdates(Struct, frozen=True, forbid_unknown_fields=True):
    """The same before the fields of the items are repaired and checked."""

    items: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MAX_ITEMS)]


class ItemUpdatesAnswer(Part):
    """The items are stored, and what is served knows them."""

    success: Literal[True]
    told: int
    repaired: int = Field(description="Items of which a field was repaired or left out: see `warnings`.")
    bundle_version: str | None = Field(description="The bundle that can recommend them now; null where none can yet.")
    warnings: list[str] = Field(description="What was repaired, left out, or is stored but not used; at most 20.")
