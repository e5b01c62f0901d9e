"""The JSON of erasure and export."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct
from pydantic import Field

from contracts.events.ids import MAX_ID_CHARS
from contracts.privacy.requests import MAX_IDS
from serving.http.schemas.answer import Part


class PersonIds(Struct, frozen=True, forbid_unknown_fields=True):
    """Ids of one person: user ids, anonymous ids, customer ids or e-mail addresses."""

    ids: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]], Meta(min_length=1, max_length=MAX_IDS)
    ]


class ErasureAnswer(Part):
    """An erasure that was accepted."""

    request: str = Field(description="The name of the request, and of its receipt.")
    asked_at: datetime
    detail: str


class ExportAnswer(Part):
    """Everything that is held of a person."""

    made_at: datetime
    ids: list[str]
    stores: dict[str, Any] = Field(description="By store, the class of its data and the rows.")
    erasures_waiting: int


class WebhookAnswer(Part):
    """A webhook that was accepted."""

    request: str
