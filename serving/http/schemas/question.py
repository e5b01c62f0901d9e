"""What every question has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Question(BaseModel):
    """Unknown fields are refused: a misspelt filter must not silently allow everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)
