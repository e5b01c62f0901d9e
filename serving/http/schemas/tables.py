"""The JSON of rows of a bundle's tables."""

from typing import Any, Final

from pydantic import Field

from serving.http.schemas.answer import Answer

MAX_ROWS: Final = 1_000


class CustomerAnswer(Answer):
    """Every column of one customer; GET /v1/bundle says what each means."""

    customer: dict[str, Any]


class ItemAnswer(Answer):
    """Every column of one item; GET /v1/bundle says what each means."""

    item: dict[str, Any]


class ListAnswer(Answer):
    """One page of a table."""

    total: int = Field(description="Rows that meet the conditions, on all pages.")
    rows: list[dict[str, Any]]
    next_cursor: str | None = Field(description="For the next page; null on the last one.")
