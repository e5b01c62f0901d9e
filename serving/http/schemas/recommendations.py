"""The JSON of recommendations: questions are checked with it, answers are documented."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.customer_id import customer_id_of
from recsys.data.attributes import MAX_ATTRIBUTES
from recsys.request import MAX_SEED, Filters, Query, SessionEvent
from serving.http.schemas.answer import Answer
from serving.http.schemas.question import Id, Price, Question

MAX_K: Final = 100
MAX_CART: Final = 100
MAX_SESSION: Final = 200
MAX_FILTER_VALUES: Final = 200

Placement = Literal[
    "for_you",
    "similar",
    "bought_together",
    "cart",
    "buy_again",
    "recently_viewed",
    "trending",
    "new_arrivals",
    "popular",
]
FilterValues = Annotated[tuple[Id, ...], Field(max_length=MAX_FILTER_VALUES)]


class SessionEventQuestion(Question):
    """One thing the shopper did in this visit."""

    item_id: Id
    kind: Literal["view", "cart", "order"] = "view"


class FiltersQuestion(Question):
    """What may be shown; what is left out allows everything."""

    categories: FilterValues = ()
    brands: FilterValues = ()
    exclude_items: FilterValues = ()
    price_min: Price | None = None
    price_max: Price | None = None
    in_stock_only: bool = True
    attributes: dict[Id, FilterValues] = Field(
        default_factory=dict,
        max_length=MAX_ATTRIBUTES,
        description="For each attribute of the catalogue, the values of which an item must have one.",
        examples=[{"colour": ["red", "green"]}],
    )
    exclude_known: bool = Field(default=False, description="Hide what this customer interacted with before.")

    def filters(self) -> Filters:
        return Filters(
            categories=self.categories,
            brands=self.brands,
            exclude_items=self.exclude_items,
            price_min=self.price_min,
            price_max=self.price_max,
            in_stock_only=self.in_stock_only,
            attributes=tuple(self.attributes.items()),
            exclude_known=self.exclude_known,
        )


class RecommendationQuestion(Question):
    """Who is looking, at what, with what in the cart; every field is optional."""

    customer_id: Id | None = None
    anonymous_id: Id | None = Field(
        default=None, description="The anonymous id of the visitor's events: who looks, while nobody has signed in."
    )
    item_id: Id | None = Field(default=None, description="The item whose page is open.")
    cart: tuple[Id, ...] = Field(default=(), max_length=MAX_CART)
    session: tuple[SessionEventQuestion, ...] = Field(
        default=(),
        max_length=MAX_SESSION,
        description="What was done in this visit, oldest first. Left out: what the service itself saw of it.",
    )
    k: int = Field(default=20, ge=1, le=MAX_K, description="How many items.")
    filters: FiltersQuestion = Field(default_factory=FiltersQuestion)
    placement: Placement = Field(
        default="for_you",
        description="Where the list is shown. similar needs item_id; bought_together and cart need cart or item_id; "
        "buy_again and recently_viewed need customer_id or session.",
    )
    personalize: bool = Field(default=True, description="False, no consent: only the open item and the cart count.")
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED, description="Draws what exploration shows.")

    def query(self) -> Query:
        """The same question as the recommender reads it."""
        return Query(
            customer_id=self.customer_id or customer_id_of(None, self.anonymous_id),
            item_id=self.item_id,
            cart=self.cart,
            session=tuple(SessionEvent(event.item_id, event.kind) for event in self.session),
            k=self.k,
            filters=self.filters.filters(),
            placement=self.placement,
            personalize=self.personalize,
            seed=self.seed,
        )


class RecommendedItem(BaseModel):
    """One item, and why it is shown."""

    model_config = ConfigDict(extra="forbid")

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
