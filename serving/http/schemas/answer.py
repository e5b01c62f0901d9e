"""What every answer has in common."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Every answer says which bundle made it, and up to when that bundle had seen events."""

    model_config = ConfigDict(extra="forbid")

    bundle_version: str
    as_of: datetime
