"""The JSON of an error."""

from pydantic import BaseModel, Field


class ProblemAnswer(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(examples=["urn:shopkeeper:problem:unknown-item"])
    title: str
    status: int
    detail: str = Field(description="What was given, what is allowed, what to do.")
    code: str = Field(description="The last part of `type`.")
    message: str = Field(description="The same as `detail`, by the name that SDKs of events read.")
