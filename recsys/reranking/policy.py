"""Policy: what a merchant decides for each placement, whatever the ranker thinks; every knob is declared here, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from contracts.errors import SettingsError
from recsys.request import PLACEMENTS

BOUGHT: Final = (
    "ranked",
    "when_due",
    "never",
)  # what was bought: the ranker decides; hidden until due; hidden for good
MAX_WEIGHT: Final = 100.0
MAX_POOL: Final = 500
MAX_POSITION: Final = 1000  # of a pin or of exploration, counted from 1; also the largest cap and minimum
# What a bundle says of an item that will be gone before more of it can come, and the stock from which it says so.
RUNNING_OUT: Final = ("inventory_alert", "runs_out_before_delivery")
STOCK_THEN: Final = "stock_on_hand"


@dataclass(frozen=True)
class Pin:
    """An item that stands at one position, counted from 1, whenever it may be shown at all."""

    item: str
    position: int

    def __post_init__(self) -> None:
        _within("pin position", self.position, 1, MAX_POSITION)


@dataclass(frozen=True)
class Boost:
    """Lifts items by an attribute; a negative weight buries them.

    With `equals`, an item of that value gains `weight` standard deviations of the candidates' scores. Without, the
    attribute is a number: the item that has most of it gains `weight`, the one that has least loses as much, the others
    lie between by rank, and an item of unknown value keeps its score.
    """

    attribute: str
    weight: float
    equals: str | None = None

    def __post_init__(self) -> None:
        _within("boost weight", self.weight, -MAX_WEIGHT, MAX_WEIGHT)


@dataclass(frozen=True)
class Cap:
    """At most `limit` items of one value of an attribute; items of unknown value are not counted."""

    attribute: str
    limit: int

    def __post_init__(self) -> None:
        _within("cap", self.limit, 1, MAX_POSITION)


@dataclass(frozen=True)
class Exploration:
    """Places, counted from 1, that are drawn evenly from the `pool` best candidates that are shown nowhere else."""

    places: tuple[int, ...] = ()
    pool: int = 20

    def __post_init__(self) -> None:
        for place in self.places:
            _within("exploration place", place, 1, MAX_POSITION)
        _distinct("exploration places", self.places)
        _within("exploration pool", self.pool, max(1, len(self.places)), MAX_POOL)


@dataclass(frozen=True)
class PlacementPolicy:
    """What may stand in one placement, and in which order; the defaults leave everything to the ranker."""

    in_stock_only: bool = False  # True: also where a question would show what is sold out
    categories: tuple[str, ...] = ()  # only these; empty: all
    brands: tuple[str, ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()  # per attribute, the values of which an item must have one
    exclude_items: tuple[str, ...] = ()
    exclude_categories: tuple[str, ...] = ()
    exclude_brands: tuple[str, ...] = ()
    bought: str = "ranked"
    pins: tuple[Pin, ...] = ()
    boosts: tuple[Boost, ...] = ()
    caps: tuple[Cap, ...] = ()
    diversity: float = 0.0  # standard deviations that a candidate loses for each better one of its category
    minimum_items: int = 0  # with fewer, the answer says that the list had better be hidden
    exploration: Exploration = field(default_factory=Exploration)
    push_running_out: bool = False  # False: what is RUNNING_OUT keeps the place that it earns, and nothing lifts it

    def __post_init__(self) -> None:
        if self.bought not in BOUGHT:
            raise SettingsError(f"bought is {self.bought!r}; allowed are {', '.join(BOUGHT)}.")
        _within("diversity", self.diversity, 0, MAX_WEIGHT)
        _within("minimum_items", self.minimum_items, 0, MAX_POSITION)
        _distinct("pinned items", [pin.item for pin in self.pins])
        _distinct("pin positions", [pin.position for pin in self.pins])
        _distinct("caps", [cap.attribute for cap in self.caps])

    @property
    def attribute_names(self) -> set[str]:
        """Every attribute by which it chooses or orders."""
        named = {boost.attribute for boost in self.boosts} | {cap.attribute for cap in self.caps}
        return named | {name for name, _ in self.attributes} | {RUNNING_OUT[0], STOCK_THEN}


@dataclass(frozen=True)
class Policy:
    """The policy of every placement; of those that are not named, `default`."""

    default: PlacementPolicy = field(default_factory=PlacementPolicy)
    placements: Mapping[str, PlacementPolicy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.placements) - set(PLACEMENTS))
        if unknown:
            raise SettingsError(f"unknown placements {', '.join(unknown)}; allowed are {', '.join(PLACEMENTS)}.")
        if self.placement("buy_again").bought == "never":
            raise SettingsError(
                "bought is 'never' in buy_again, which shows nothing else; state there 'ranked' or 'when_due'."
            )

    @property
    def attribute_names(self) -> set[str]:
        """Every attribute by which any placement chooses or orders."""
        return set().union(*(policy.attribute_names for policy in (self.default, *self.placements.values())))

    def placement(self, name: str) -> PlacementPolicy:
        return self.placements.get(name, self.default)


def _within(what: str, value: float, least: float, most: float) -> None:
    if not (isfinite(value) and least <= value <= most):
        raise SettingsError(f"{what} is {value}; from {least:g} to {most:g} is allowed.")


def _distinct(what: str, values: tuple[int, ...] | list[int] | list[str]) -> None:
    if len(set(values)) < len(values):
        raise SettingsError(f"{what} are {', '.join(map(str, values))}; each may be given once.")
