"""The request to a recommender and its answer; HTTP and a bundle's replays decode the same types."""

from typing import Annotated, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.errors import InputError
from contracts.validation.bounds import MAX_MONEY
from recsys.data.attributes import MAX_ATTRIBUTES
from recsys.data.interactions import Kind

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
PLACEMENTS: Final[tuple[Placement, ...]] = get_args(Placement)
MAX_K: Final = 100
MAX_CART: Final = 100
MAX_SESSION: Final = 200
MAX_FILTER_VALUES: Final = 200
MAX_SEED: Final = 2**53 - 1  # the largest integer that every JSON reader keeps exactly

# msgspec checks these when it decodes; a Struct that is constructed in Python is not checked against them.
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Price = Annotated[float, Meta(ge=0, le=MAX_MONEY)]
FilterValues = Annotated[tuple[Id, ...], Meta(max_length=MAX_FILTER_VALUES)]
_PERSONAL: Final = ("customer_id", "session", "anonymous_id")
_NEEDS: Final = {  # by placement: fields of which at least one must be given
    "similar": ("item_id",),
    "bought_together": ("cart", "item_id"),
    "cart": ("cart", "item_id"),
    "buy_again": _PERSONAL,
    "recently_viewed": _PERSONAL,
}


class SessionEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the shopper did in the current session."""

    item_id: Id
    kind: Kind = "view"


class Filters(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which items may be shown; a filter that is left out allows everything."""

    categories: FilterValues = ()
    brands: FilterValues = ()
    exclude_items: FilterValues = ()
    price_min: Price | None = None
    price_max: Price | None = None
    in_stock_only: bool = True
    attributes: Annotated[
        dict[Id, FilterValues],
        Meta(
            max_length=MAX_ATTRIBUTES,
            description="For each attribute of the catalogue, values; an item must have one of them.",
            examples=[{"colour": ["red", "green"]}],
        ),
    ] = {}
    exclude_known: Annotated[bool, Meta(description="Hide items that this customer interacted with before.")] = False

    def __hash__(self) -> int:
        attributes = frozenset(self.attributes.items())
        return hash((self.categories, self.brands, self.price_min, self.price_max, self.in_stock_only, attributes))


class Query(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who is looking, at what, with what in the cart; every field is optional.

    Raises InputError where the placement needs a field that is not given.
    """

    customer_id: Id | None = None
    anonymous_id: Annotated[
        Id | None, Meta(description="The anonymous id of the visitor's events: who looks, while nobody has signed in.")
    ] = None
    item_id: Annotated[Id | None, Meta(description="The item whose page is open.")] = None
    cart: Annotated[tuple[Id, ...], Meta(max_length=MAX_CART)] = ()
    session: (
        Annotated[
            tuple[SessionEvent, ...],
            Meta(
                max_length=MAX_SESSION,
                description="What was done in this session, oldest first. Default: what the service itself saw of it.",
            ),
        ]
        | UnsetType
    ) = UNSET
    k: Annotated[int, Meta(ge=1, le=MAX_K, description="How many items.")] = 20
    filters: Filters = Filters()
    placement: Annotated[
        Placement,
        Meta(
            description="Where the list is shown. similar needs item_id; bought_together and cart need cart or "
            "item_id; buy_again and recently_viewed need customer_id, anonymous_id or session."
        ),
    ] = "for_you"
    personalize: Annotated[bool, Meta(description="False, no consent: only the open item and the cart count.")] = True
    seed: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_SEED)] | None, Meta(description="Seeds the draw of exploration.")
    ] = None

    def __post_init__(self) -> None:
        needs = _NEEDS.get(self.placement)
        if needs and not any(getattr(self, name) for name in needs):
            raise InputError(f"placement {self.placement} needs {' or '.join(needs)}; add it to the request.")
        if needs == _PERSONAL and not self.personalize:
            raise InputError(f"placement {self.placement} is personal; it cannot be asked for with personalize false.")

    @property
    def events(self) -> tuple[SessionEvent, ...]:
        """The session's events, oldest first; none where the request leaves the session out."""
        return () if self.session is UNSET else self.session


class Recommendation(Struct, frozen=True):
    """One recommended item, its score within this answer, the source that proposed it, and the reason in words.

    `propensity` is the probability with which exploration drew this item for its position; None if none was drawn.
    """

    item_id: str
    name: str | None
    category: str | None
    price: float | None
    score: float
    source: str
    reason: str
    propensity: float | None = None


class Answer(Struct, frozen=True):
    """Recommendations, best first, and what replaced the shopper's own history.

    `fallbacks` may hold "popular" (nothing is known about this shopper), "any_item" (the list was filled up with items
    that no source proposed), "unknown_item:<id>" (the query named an item that the recommender does not know),
    "caps_relaxed" (keeping the policy's caps would have left positions empty) and "too_few_items" (fewer than the
    policy's minimum: the page should hide this list).
    """

    items: tuple[Recommendation, ...]
    is_known_customer: bool
    fallbacks: tuple[str, ...]
    placement: str = "for_you"
