"""What every answer has in common."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of an answer; OpenAPI says that it has no further fields."""

    model_config = ConfigDict(extra="forbid")


class Answer(Part):
    """Every answer says which bundle made it, and up to when that bundle had seen events."""

    bundle_version: str
    as_of: datetime
