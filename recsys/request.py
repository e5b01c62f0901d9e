"""What is asked of a recommender and what it answers, with the JSON form of both."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from contracts.errors import InputError
from recsys.data.attributes import MAX_ATTRIBUTES
from recsys.data.interactions import KINDS

PLACEMENTS: Final = (
    "for_you",
    "similar",
    "bought_together",
    "cart",
    "buy_again",
    "recently_viewed",
    "trending",
    "new_arrivals",
    "popular",
)
MAX_K: Final = 1000
MAX_LIST: Final = 1000  # session events, cart lines or excluded items in one query
MAX_SEED: Final = 2**53 - 1  # which every JSON reader takes for the same number


@dataclass(frozen=True)
class SessionEvent:
    """One thing the shopper did in the visit that is going on."""

    item_id: str
    kind: str = "view"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"session kind is {self.kind!r}; allowed are {', '.join(KINDS)}.")


@dataclass(frozen=True)
class Filters:
    """What may be shown; an empty tuple or None allows everything.

    `attributes` names, for each attribute, the values of which an item must have one; `exclude_known` hides what this
    customer interacted with before.
    """

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    exclude_items: tuple[str, ...] = ()
    price_min: float | None = None
    price_max: float | None = None
    in_stock_only: bool = True
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude_known: bool = False

    def __post_init__(self) -> None:
        names = [name for name, _ in self.attributes]
        if len(names) > MAX_ATTRIBUTES or len(set(names)) < len(names):
            raise InputError(
                f"filters.attributes names {', '.join(names[: MAX_ATTRIBUTES + 1])}; at most {MAX_ATTRIBUTES} "
                "attributes, each once, are allowed."
            )


@dataclass(frozen=True)
class Query:
    """Who asks, from where, and for what.

    `item_id` is the item whose page is open; `session` holds the visit's events, oldest first; `now` None means the
    recommender's own `as_of`. `placement` says where the list is shown. `personalize` False means that there is no
    consent: only the open item and the cart count. `seed` draws what exploration shows; None explores nothing.
    """

    customer_id: str | None = None
    item_id: str | None = None
    cart: tuple[str, ...] = ()
    session: tuple[SessionEvent, ...] = ()
    k: int = 20
    filters: Filters = Filters()
    now: datetime | None = None
    placement: str = "for_you"
    personalize: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MAX_K:
            raise InputError(f"k is {self.k}; a whole number from 1 to {MAX_K} is allowed.")
        for name, values in (("session", self.session), ("cart", self.cart), ("exclude", self.filters.exclude_items)):
            if len(values) > MAX_LIST:
                raise InputError(f"{name} has {len(values):,} entries; at most {MAX_LIST:,} are allowed.")
        if self.now is not None and self.now.tzinfo is None:
            raise InputError("now has no time zone; give one, for example 2025-06-01T12:00:00Z.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed is {self.seed}; a whole number from 0 to {MAX_SEED} is allowed.")
        self._check_placement()

    def _check_placement(self) -> None:
        if self.placement not in PLACEMENTS:
            raise InputError(f"placement is {self.placement!r}; allowed are {', '.join(PLACEMENTS)}.")
        needs = _NEEDS.get(self.placement)
        if needs and not any(getattr(self, name) for name in needs):
            raise InputError(f"placement {self.placement} needs {' or '.join(needs)}; add it to the question.")
        if needs == _PERSONAL and not self.personalize:
            raise InputError(f"placement {self.placement} is personal; personalize false allows no such list.")


class Recommendation(NamedTuple):
    """One recommended item, its score within this answer, the source that proposed it, and the reason in words.

    `propensity` is the probability with which exploration put this item on its place; None where nothing was drawn.
    """

    item_id: str
    score: float
    source: str
    reason: str
    propensity: float | None = None


@dataclass(frozen=True)
class Answer:
    """Recommendations, best first, and what had to be used in place of the shopper's own history.

    `fallbacks` may hold "popular" (nothing is known of this shopper), "any_item" (the list was filled up with items
    that nothing speaks for), "unknown_item:<id>" (the query named an item that the recommender does not know),
    "caps_relaxed" (keeping the policy's caps would have left places empty) and "too_few_items" (fewer than the policy
    wants here: the page had better hide this list).
    """

    items: tuple[Recommendation, ...]
    is_known_customer: bool
    fallbacks: tuple[str, ...]
    placement: str = "for_you"


def query_from_json(raw: Mapping[str, Any]) -> Query:
    """A Query from its JSON object; raises InputError on an unknown key or a wrong type."""
    values = _checked(raw, Query, "query", _QUERY_READERS)
    return Query(**values)


def query_to_json(query: Query) -> dict[str, Any]:
    """The JSON object of a Query; what stands at its default is left out."""
    default = asdict(Query())
    raw = {name: value for name, value in asdict(query).items() if value != default[name]}
    if "filters" in raw:
        raw["filters"] = {n: v for n, v in raw["filters"].items() if v != default["filters"][n]}
        if query.filters.attributes:
            raw["filters"]["attributes"] = dict(query.filters.attributes)
    if query.now is not None:
        raw["now"] = query.now.astimezone(UTC).isoformat()
    return {name: _lists(value) for name, value in raw.items()}


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """The JSON object of an Answer."""
    return {
        "items": [item._asdict() for item in answer.items],
        "is_known_customer": answer.is_known_customer,
        "fallbacks": list(answer.fallbacks),
        "placement": answer.placement,
    }


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(inner) for name, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, (tuple, list)) else value


def _checked(raw: Any, form: type, what: str, readers: Mapping[str, Any]) -> dict[str, Any]:
    """`raw`'s values, each read by its reader; only the fields of the dataclass `form` are allowed."""
    if not isinstance(raw, Mapping):
        raise InputError(f"{what} is {type(raw).__name__}; a JSON object is needed.")
    allowed = [field.name for field in fields(form)]
    unknown = sorted(set(map(str, raw)) - set(allowed))
    if unknown:
        raise InputError(f"{what} has unknown keys {', '.join(unknown)}; allowed are {', '.join(allowed)}.")
    return {name: readers[name](value, f"{what}.{name}") for name, value in raw.items()}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} is {value!r}; a non-empty text is needed.")
    return value


def _optional_text(value: Any, name: str) -> str | None:
    return None if value is None else _text(value, name)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{name} is {type(value).__name__}; a list of texts is needed.")
    return tuple(_text(entry, name) for entry in value)


def _whole_number(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; a whole number is needed.")
    return value


def _optional_whole_number(value: Any, name: str) -> int | None:
    return None if value is None else _whole_number(value, name)


def _optional_amount(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise InputError(f"{name} is {value!r}; a finite number of at least 0 is needed.")
    return float(value)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; true or false is needed.")
    return value


def _time(value: Any, name: str) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; an ISO 8601 time such as 2025-06-01T12:00:00Z is needed.") from None


def _session(value: Any, name: str) -> tuple[SessionEvent, ...]:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{name} is {type(value).__name__}; a list of objects with item_id and kind is needed.")
    readers = {"item_id": _text, "kind": _text}
    events = [_checked(entry, SessionEvent, name, readers) for entry in value]
    if any("item_id" not in event for event in events):
        raise InputError(f"{name} has an entry without item_id; each entry needs one.")
    return tuple(SessionEvent(**event) for event in events)


def _attributes(value: Any, name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping):
        raise InputError(f'{name} is {type(value).__name__}; an object such as {{"colour": ["red"]}} is needed.')
    return tuple((_text(key, name), _texts(values, f"{name}.{key}")) for key, values in value.items())


def _filters(value: Any, name: str) -> Filters:
    return Filters(**_checked(value, Filters, name, _FILTER_READERS))


_PERSONAL: Final = ("customer_id", "session")
_NEEDS: Final = {  # by placement: fields of the question of which at least one must say something
    "similar": ("item_id",),
    "bought_together": ("cart", "item_id"),
    "cart": ("cart", "item_id"),
    "buy_again": _PERSONAL,
    "recently_viewed": _PERSONAL,
}
_FILTER_READERS: Final = {
    "categories": _texts,
    "brands": _texts,
    "exclude_items": _texts,
    "price_min": _optional_amount,
    "price_max": _optional_amount,
    "in_stock_only": _flag,
    "attributes": _attributes,
    "exclude_known": _flag,
}
_QUERY_READERS: Final = {
    "customer_id": _optional_text,
    "item_id": _optional_text,
    "cart": _texts,
    "session": _session,
    "k": _whole_number,
    "filters": _filters,
    "now": _time,
    "placement": _text,
    "personalize": _flag,
    "seed": _optional_whole_number,
}
