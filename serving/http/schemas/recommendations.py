"""The JSON of recommendations, as OpenAPI shows it; `recsys/request.py` has that of requests."""

from pydantic import Field

from serving.http.schemas.answer import Answer, Part


class RecommendedItem(Part):
    """One item, and why it is shown."""

    item_id: str
    name: str | None
    category: str | None
    price: float | None
    score: float = Field(description="Comparable within this answer only.")
    source: str = Field(description="What proposed the item.")
    reason: str = Field(description="In words, for a person.")
    propensity: float | None = Field(
        description="With which probability exploration put the item on this place; null where nothing was drawn."
    )


class RecommendationAnswer(Answer):
    """Recommendations, best first."""

    answer_id: str = Field(description="Random; in the log of exploration too, so that clicks can be joined to it.")
    customer_id: str | None
    is_known_customer: bool
    placement: str
    fallbacks: list[str] = Field(
        description="What stood in for the shopper's own history or bent the policy; empty where nothing had to. With "
        "too_few_items the page had better hide the list."
    )
    items: list[RecommendedItem]


class SimilarAnswer(Answer):
    """Items that go with one item, best first."""

    answer_id: str
    item_id: str
    placement: str
    fallbacks: list[str]
    items: list[RecommendedItem]
