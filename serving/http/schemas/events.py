"""The JSON of events and of what became of them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.http.schemas.answer import Part


class EventOutcome(Part):
    """What became of one event; without `strict`, only why it was put into quarantine."""

    index: int = Field(description="The event's place in the batch, from 0.")
    code: str | None = Field(None, description="Why it was put into quarantine.")
    detail: str | None = None
    outcome: Literal["accepted", "duplicate", "quarantined", "suppressed"] | None = Field(
        None, description="Only with `strict`."
    )
    repaired: list[str] | None = Field(None, description="Fields that were repaired or left out; only with `strict`.")


class EventsAnswer(Part):
    """What became of the events: their number is the sum of the four counts."""

    success: Literal[True]
    accepted: int
    duplicates: int = Field(description="Message ids that were stored before.")
    quarantined: int = Field(description="Stored, but set aside: see `events`.")
    suppressed: int = Field(description="The person refused analytics: only the refusal is kept.")
    events: list[EventOutcome] = Field(description="The first 100 events that have a problem; with `strict`, all.")


class Event(BaseModel):
    """One event of Segment's spec; more fields are allowed. See docs on the event format."""

    model_config = ConfigDict(extra="allow")

    type: Literal["track", "identify", "page", "screen", "alias", "group"] | None = Field(
        default=None, description="Needed in a batch; otherwise the path says it."
    )
    messageId: str | None = Field(default=None, description="Unique; the same id is stored once.")
    userId: str | None = None
    anonymousId: str | None = None
    event: str | None = Field(default=None, examples=["Product Viewed"])
    timestamp: datetime | None = None
    properties: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class Batch(BaseModel):
    """A batch of events."""

    model_config = ConfigDict(extra="allow")

    batch: list[Event] = Field(max_length=2500)
    sentAt: datetime | None = Field(default=None, description="When it was sent, by the clock of the events.")
    context: dict[str, Any] | None = Field(default=None, description="Merged into every event; the event's own wins.")
    writeKey: str | None = Field(default=None, description="The API key, where no header carries it.")
