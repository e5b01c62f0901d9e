"""Policy: the merchant's rules for each placement, which precede the ranker; every option is declared here."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from contracts.errors import SettingsError
from recsys.request import PLACEMENTS

MAX_POSITION: Final = 1000  # counted from 1; also the largest cap and the largest minimum of items
MAX_WEIGHT: Final = 100.0
MAX_POOL: Final = 500
# How a bundle marks an item that sells out before it can be restocked, and the stock on which the mark is based.
LOW_STOCK: Final = ("inventory_alert", "runs_out_before_delivery")
STOCK_THEN: Final = "stock_on_hand"

# msgspec checks these when it reads a policy file; a Struct that is constructed in Python is not checked against them.
Text = Annotated[str, Meta(min_length=1)]
Texts = tuple[Text, ...]
Position = Annotated[int, Meta(ge=1, le=MAX_POSITION)]
Bought = Literal["ranked", "when_due", "never"]  # bought items: ranked like others; hidden until due; hidden for good


def _check_distinct(what: str, values: Iterable[object]) -> None:
    shown = list(map(str, values))
    if len(set(shown)) < len(shown):
        raise ValueError(f"{what} are {', '.join(shown)}; each may be given once.")


class Pin(Struct, frozen=True, forbid_unknown_fields=True):
    """An item with a fixed position, counted from 1, whenever it is eligible."""

    item: Text
    position: Position


class Boost(Struct, frozen=True, forbid_unknown_fields=True):
    """Raises the scores of items by an attribute; a negative weight lowers them.

    With `equals`, an item of that value gains `weight` standard deviations of the candidates' scores. Without, the
    attribute is a number: the item with the largest gains `weight`, the one with the smallest loses as much, the others
    lie between by rank, and an item of unknown value keeps its score.
    """

    attribute: Text
    weight: Annotated[float, Meta(ge=-MAX_WEIGHT, le=MAX_WEIGHT)]
    equals: Text | None = None


class Exploration(Struct, frozen=True, forbid_unknown_fields=True):
    """Positions drawn evenly from the `pool` best candidates that no other position shows."""

    places: tuple[Position, ...] = ()
    pool: Annotated[int, Meta(ge=1, le=MAX_POOL)] = 20

    def __post_init__(self) -> None:
        _check_distinct("exploration places", self.places)
        if self.pool < len(self.places):
            raise ValueError(f"exploration pool is {self.pool}; at least {len(self.places)} are needed, one per place.")


class PlacementPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Which items one placement may show, and in which order; the defaults leave everything to the ranker."""

    in_stock_only: bool = False  # True: also where a request would show sold-out items
    categories: Texts = ()  # only these; empty: all
    brands: Texts = ()
    attributes: dict[str, Texts] = {}  # by attribute, values; an item must have one of them
    exclude_items: Texts = ()
    exclude_categories: Texts = ()
    exclude_brands: Texts = ()
    bought: Bought = "ranked"
    pins: tuple[Pin, ...] = ()
    boosts: tuple[Boost, ...] = ()
    caps: dict[str, Position] = {}  # by attribute, the most items of one value; unknown values are not counted
    # Standard deviations that a candidate loses for each better candidate of its category.
    diversity: Annotated[float, Meta(ge=0, le=MAX_WEIGHT)] = 0.0
    minimum_items: Annotated[int, Meta(ge=0, le=MAX_POSITION)] = 0  # with fewer, the answer says to hide the list
    exploration: Exploration = Exploration()
    push_running_out: bool = False  # False: LOW_STOCK items keep the position of their score; nothing promotes them

    def __post_init__(self) -> None:
        _check_distinct("pinned items", [pin.item for pin in self.pins])
        _check_distinct("pin positions", [pin.position for pin in self.pins])

    @property
    def attribute_names(self) -> set[str]:
        """Every attribute by which it chooses or orders."""
        return {boost.attribute for boost in self.boosts} | {*self.caps, *self.attributes, LOW_STOCK[0], STOCK_THEN}


class Policy(Struct, frozen=True):
    """The policy of every placement; `default` for those without one of their own."""

    default: PlacementPolicy = PlacementPolicy()
    placements: Mapping[str, PlacementPolicy] = {}

    def __post_init__(self) -> None:
        unknown = sorted(set(self.placements) - set(PLACEMENTS))
        if unknown:
            raise SettingsError(f"unknown placements {', '.join(unknown)}; allowed are {', '.join(PLACEMENTS)}.")
        if self.placement("buy_again").bought == "never":
            raise SettingsError(
                "bought is 'never' in buy_again, which shows nothing else; set it to 'ranked' or 'when_due' there."
            )

    @property
    def attribute_names(self) -> set[str]:
        """Every attribute by which any placement chooses or orders."""
        return set().union(*(policy.attribute_names for policy in (self.default, *self.placements.values())))

    def placement(self, name: str) -> PlacementPolicy:
        return self.placements.get(name, self.default)
