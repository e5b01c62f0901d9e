"""A placement's policy compiled for a catalogue: names become indices once, so that a request only looks them up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from recsys.data.attributes import Attributes
from recsys.data.catalogue import ALWAYS, Items
from recsys.request import PLACEMENTS, Filters
from recsys.reranking.filters import FilterMasks, matching_items, wanted_values
from recsys.reranking.policy import LOW_STOCK, STOCK_THEN, Boost, PlacementPolicy, Policy


@dataclass(frozen=True, eq=False)
class CompiledPolicy:
    """One placement's policy as arrays over `items`.

    `allowed` (items,) bool passes the policy's own filters. From `last_launch`, seconds since 1970 UTC, every item is
    available. `boosts` (items,) float32 are standard deviations to add, None without a boost. `cap_groups` (caps,
    items) int32 are groups, numbered below `cap_group_count`, of which at most `cap_limits` (caps,) int64 items may be
    shown; -1 for no group. `pins` are (item, slot), sorted by slot. `low_stock` (n,) int64 are the items that nothing
    but their score or a pin may promote. `problems` say what the policy names and the catalogue does not have: a
    filter by it allows nothing, anything else does nothing.
    """

    policy: PlacementPolicy
    items: Items
    masks: FilterMasks
    allowed: np.ndarray
    last_launch: int
    boosts: np.ndarray | None
    cap_groups: np.ndarray
    cap_limits: np.ndarray
    cap_group_count: int
    pins: tuple[tuple[int, int], ...]
    low_stock: np.ndarray
    problems: tuple[str, ...]

    @classmethod
    def of(
        cls,
        policy: PlacementPolicy,
        items: Items,
        masks: FilterMasks | None = None,
        columns: Attributes | None = None,
    ) -> Self:
        """The policy for these items; `masks` may be shared by the policies of one catalogue.

        `columns` are attributes of the items, or of the first of them, that a policy may name and a request may not.
        """
        known = items if columns is None else replace(items, attributes=items.attributes.joined(columns))
        groups = [(found, limit) for name, limit in policy.caps.items() if (found := known.groups(name)) is not None]
        low_stock = _low_stock(policy, known)
        pins = [(items.ids.index(pin.item), pin.position - 1) for pin in policy.pins]
        table = np.zeros((len(groups), len(items)), np.int32)
        for row, (found, _) in enumerate(groups):
            table[row] = found
        return cls(
            policy=policy,
            items=items,
            masks=masks or FilterMasks(items),
            allowed=_allowed(policy, known),
            last_launch=int(items.available_from.max(initial=ALWAYS)),
            boosts=_boosts(policy, known, low_stock),
            cap_groups=table,
            cap_limits=np.array([limit for _, limit in groups], np.int64),
            cap_group_count=int(table.max(initial=-1)) + 1,
            pins=tuple(sorted(((item, slot) for item, slot in pins if item >= 0), key=lambda pin: pin[1])),
            low_stock=low_stock,
            problems=tuple(_problems(policy, known)),
        )


def compiled_policies(policy: Policy, items: Items, columns: Attributes | None = None) -> dict[str, CompiledPolicy]:
    """By placement; placements of equal policies share one. `columns` as in `CompiledPolicy.of`."""
    masks = FilterMasks(items)
    compiled: list[CompiledPolicy] = []
    found: dict[str, CompiledPolicy] = {}
    for placement in PLACEMENTS:
        own = policy.placement(placement)
        shared = next((known for known in compiled if known.policy == own), None)
        found[placement] = shared or CompiledPolicy.of(own, items, masks, columns)
        compiled.append(found[placement])
    return found


def _own_filters(policy: PlacementPolicy) -> Filters:
    return Filters(
        categories=policy.categories,
        brands=policy.brands,
        attributes=policy.attributes,
        in_stock_only=policy.in_stock_only,
    )


def _allowed(policy: PlacementPolicy, items: Items) -> np.ndarray:
    allowed = matching_items(items, _own_filters(policy))
    for name, values in (("category", policy.exclude_categories), ("brand", policy.exclude_brands)):
        having = items.having(name, values)
        assert having is not None  # every catalogue has both
        allowed &= ~having
    allowed[[index for item in policy.exclude_items if (index := items.ids.index(item)) >= 0]] = False
    return allowed


def _low_stock(policy: PlacementPolicy, items: Items) -> np.ndarray:
    """The items that sell out before they can be restocked, unless more stock came since."""
    running_out = items.having(LOW_STOCK[0], (LOW_STOCK[1],))
    if policy.push_running_out or running_out is None:
        return np.zeros(0, np.int64)
    then = items.numbers(STOCK_THEN)
    return np.flatnonzero(running_out if then is None else running_out & ~(items.stock > then))


def _boosts(policy: PlacementPolicy, items: Items, low_stock: np.ndarray) -> np.ndarray | None:
    boosts = [(boost.weight, lift) for boost in policy.boosts if (lift := _boost_values(boost, items)) is not None]
    if not boosts:
        return None
    total: np.ndarray = np.stack([weight * lift for weight, lift in boosts]).sum(axis=0, dtype=np.float32)
    total[low_stock] = np.minimum(total[low_stock], 0)
    return total


def _boost_values(boost: Boost, items: Items) -> np.ndarray | None:
    """(items,) float32 from -1 to 1, before the weight; None if the catalogue lacks the attribute."""
    if boost.equals is not None:
        having = items.having(boost.attribute, (boost.equals,))
        return None if having is None else having.astype(np.float32)
    numbers = items.numbers(boost.attribute)
    return None if numbers is None else _centred_ranks(numbers)


def _centred_ranks(numbers: np.ndarray) -> np.ndarray:
    """(items,) float32: ranks from -1, the least number, to 1; equal numbers share one; 0 for unknown numbers."""
    known = ~np.isnan(numbers)
    _, groups, sizes = np.unique(numbers[known], return_inverse=True, return_counts=True)
    middles = np.cumsum(sizes) - (sizes + 1) / 2  # the mean rank, from 0, of each group of equal numbers
    ranks = np.zeros(len(numbers), np.float32)
    if len(sizes) > 1:
        ranks[known] = (2 * (middles - middles[0]) / (middles[-1] - middles[0]) - 1)[groups]
    return ranks


def _problems(policy: PlacementPolicy, items: Items) -> Iterator[str]:
    yield from _filter_problems(policy, items)
    no_attribute = f"is not in the catalogue, which has {', '.join(items.attribute_names)}"
    for boost in policy.boosts:
        if _boost_values(boost, items) is None:
            kind = "attribute" if boost.equals is not None else "number"
            yield f"{kind} {boost.attribute!r} {no_attribute}: the boost does nothing."
    for name in policy.caps:
        if items.groups(name) is None:
            yield f"attribute {name!r} {no_attribute}: the cap does nothing."
    for item in dict.fromkeys([*(pin.item for pin in policy.pins), *policy.exclude_items]):
        if items.ids.index(item) < 0:
            yield f"item {item!r} is not in the catalogue: its pin or exclusion does nothing."


def _filter_problems(policy: PlacementPolicy, items: Items) -> Iterator[str]:
    for name, values in wanted_values(_own_filters(policy)):
        having = items.having(name, values)
        if having is None:
            has = ", ".join(items.attribute_names)
            yield f"attribute {name!r} is not in the catalogue, which has {has}: nothing passes a filter by it."
        elif not having.any():
            yield f"no item of the catalogue has {name} {' or '.join(values)}: nothing passes this filter."
    excluded = (
        ("category", items.categories, policy.exclude_categories),
        ("brand", items.brands, policy.exclude_brands),
    )
    for name, known, values in excluded:
        for value in values:
            if known.index(value) < 0:
                yield f"no item of the catalogue has {name} {value!r}: excluding it does nothing."
