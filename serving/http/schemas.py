"""The JSON of questions and answers, as OpenAPI shows it. Questions are checked with these; answers are documented."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.events import MAX_TEXT_CHARS
from recsys.data.attributes import MAX_ATTRIBUTE_CHARS, MAX_ATTRIBUTES
from recsys.request import MAX_SEED, Filters, Query, SessionEvent
from serving.state.sessions import person_of

MAX_K: Final = 100
MAX_CART: Final = 100
MAX_SESSION: Final = 200
MAX_FILTER_VALUES: Final = 200
MAX_ROWS: Final = 1_000
MAX_TOLD_ITEMS: Final = 1_000

Id = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
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


class Question(BaseModel):
    """Unknown fields are refused: a misspelt filter must not silently allow everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
            customer_id=self.customer_id or person_of(None, self.anonymous_id),
            item_id=self.item_id,
            cart=self.cart,
            session=tuple(SessionEvent(event.item_id, event.kind) for event in self.session),
            k=self.k,
            filters=self.filters.filters(),
            placement=self.placement,
            personalize=self.personalize,
            seed=self.seed,
        )


class Answer(BaseModel):
    """Every answer says which bundle made it, and up to when that bundle had seen events."""

    model_config = ConfigDict(extra="forbid")

    bundle_version: str
    as_of: datetime


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


class ToldItemQuestion(Question):
    """One item, new or known; what is left out stays as it was."""

    item_id: Id
    name: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    category: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    brand: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    price: Price | None = None
    stock: Price | None = Field(default=None, description="Units; left out: not tracked, taken as available.")
    available_from: AwareDatetime | None = Field(default=None, description="Not shown before; left out: now.")
    attributes: dict[Id, Annotated[str, Field(max_length=MAX_ATTRIBUTE_CHARS)] | Number] = Field(
        default={}, max_length=MAX_ATTRIBUTES
    )


class ToldItemsQuestion(Question):
    """Items that the recommender is to know at once."""

    items: list[ToldItemQuestion] = Field(min_length=1, max_length=MAX_TOLD_ITEMS)


class ToldItemsAnswer(BaseModel):
    """The items are stored, and what is served knows them."""

    model_config = ConfigDict(extra="forbid")

    success: Literal[True]
    told: int
    bundle_version: str | None = Field(description="The bundle that can recommend them now; null where none can yet.")


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


class ForecastDay(BaseModel):
    """Units on one day: in 8 of 10 cases between low and high."""

    model_config = ConfigDict(extra="forbid")

    date: date
    low: float
    median: float
    high: float
    mean: float | None = Field(description="What is expected on average; these add up. Null in an older bundle.")


class PastDay(BaseModel):
    """What customers wanted on one day before."""

    model_config = ConfigDict(extra="forbid")

    date: date
    units: float | None = Field(description="Null where demand was not seen, as when nothing was in stock.")


class ForecastAnswer(Answer):
    """One item's demand, day by day, what sold before, and the item's own columns."""

    item_id: str
    days: list[ForecastDay]
    history: list[PastDay] = Field(description="The days before the first of `days`; empty in an older bundle.")
    totals: dict[str, Any] = Field(
        description="The forecast family's own columns, among them the units of all days; daily medians do not add up."
    )
    item: dict[str, Any] | None


class FamilyAnswer(BaseModel):
    """What one family is and how well it does."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    as_of: datetime
    made_in: str = Field(description="The bundle in which this fit was first published.")
    model_version: str
    baseline: str
    gate: str
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    parameters: dict[str, Any]
    columns: dict[str, str] = Field(description="What each of its columns says, in words.")


class TableAnswer(BaseModel):
    """A table's size and its columns with their types."""

    model_config = ConfigDict(extra="forbid")

    rows: int
    columns: dict[str, str]
    words: dict[str, str] = Field(
        default_factory=dict, description="What each of the columns says that no family brings, in words."
    )


class BundleAnswer(Answer):
    """What is being served."""

    created_at: datetime
    loaded_at: datetime
    window_start: datetime
    window_end: datetime
    consent_cut: datetime
    status: str
    families: dict[str, FamilyAnswer]
    tables: dict[str, TableAnswer]


class EventProblem(BaseModel):
    """Why one event was put into quarantine."""

    model_config = ConfigDict(extra="forbid")

    index: int = Field(description="The event's place in the batch, from 0.")
    code: str
    detail: str


class EventsAnswer(BaseModel):
    """What became of the events: their number is the sum of the four counts."""

    model_config = ConfigDict(extra="forbid")

    success: Literal[True]
    accepted: int
    duplicates: int = Field(description="Message ids that were stored before.")
    quarantined: int = Field(description="Stored, but set aside: see `events`.")
    suppressed: int = Field(description="The person refused analytics: only the refusal is kept.")
    events: list[EventProblem] = Field(description="The first 100 events that have a problem.")


class ReadyAnswer(BaseModel):
    """The service can answer."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ready"]
    bundle_version: str
    is_current: bool = Field(description="False: a newer bundle was refused, see `detail`.")
    is_policy_current: bool = Field(description="False: the policy file cannot be used, the one before it counts.")
    detail: str


class HealthAnswer(BaseModel):
    """The process runs."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["alive"]


class ProblemAnswer(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(examples=["urn:shopkeeper:problem:unknown-item"])
    title: str
    status: int
    detail: str = Field(description="What was given, what is allowed, what to do.")


class Event(BaseModel):
    """One event of Segment's spec; more fields are allowed. See docs on the event format."""

    model_config = ConfigDict(extra="allow")

    type: Literal["track", "identify", "page", "screen", "alias"] | None = Field(
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
    context: dict[str, Any] | None = Field(default=None, description="Merged into every event; the event's own wins.")
    writeKey: str | None = Field(default=None, description="The API key, where no header carries it.")


def json_body(model: str) -> dict[str, Any]:
    """The OpenAPI entry of a body that a handler reads itself, within its own bounds."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}
