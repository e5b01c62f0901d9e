"""What every slate promises, whatever the policy and the request: 2,000 random policies with two requests each."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from recsys.data.catalogue import ALWAYS, Items
from recsys.request import Filters
from recsys.reranking.compiled_policy import CompiledPolicy
from recsys.reranking.eligibility import eligible_items
from recsys.reranking.policy import LOW_STOCK, Boost, Exploration, Pin, PlacementPolicy
from recsys.reranking.reranker import Slate, rerank
from tests.recsys.shelves import NOW, shelf

WORLDS = 4_000
SIZE = 60


@dataclass(frozen=True)
class World:
    """One request under one policy."""

    compiled: CompiledPolicy
    filters: Filters
    hidden: np.ndarray
    candidates: np.ndarray
    scores: np.ndarray
    k: int
    seed: int | None

    @property
    def policy(self) -> PlacementPolicy:
        return self.compiled.policy

    def under(self, policy: PlacementPolicy) -> "World":
        return replace(self, compiled=CompiledPolicy.of(policy, items()))


@cache
def items() -> Items:
    return shelf(SIZE)


@cache
def rows() -> list[dict[str, Any]]:
    """The shelf as a person would read it; nothing of the product decides here."""
    found, size = items(), len(items())

    def texts(name: str) -> list[str | None]:
        codes, values = found.codes(name)  # type: ignore[misc]
        return [values.value(code) if code >= 0 else None for code in codes.tolist()]

    def numbers(name: str) -> list[float | None]:
        return [None if np.isnan(n) else float(n) for n in found.numbers(name)]  # type: ignore[union-attr]

    columns: dict[str, list[Any]] = {name: texts(name) for name in ("category", "brand", "colour", LOW_STOCK[0])}
    columns |= {name: numbers(name) for name in ("price", "stock", "margin")}
    columns |= {"id": found.ids.values(), "launch": found.available_from.tolist()}
    return [{name: values[place] for name, values in columns.items()} for place in range(size)]


def some(random: np.random.Generator, prefix: str, count: int, chance: float) -> tuple[str, ...]:
    """Now and then, some names of which one may not exist."""
    if random.random() > chance:
        return ()
    return tuple(f"{prefix}{n}" for n in random.choice(count + 1, random.integers(1, count + 1), replace=False))


def draw_attributes(random: np.random.Generator) -> dict[str, tuple[str, ...]]:
    drawn = {"colour": some(random, "colour", 3, 0.2), "margin": some(random, "", 6, 0.2), "none": ("x",)}
    chances = {"colour": 1.0, "margin": 1.0, "none": 0.03}
    return {name: values for name, values in drawn.items() if values and random.random() < chances[name]}


def draw_policy(random: np.random.Generator) -> PlacementPolicy:
    ids = [f"item-{n:03d}" for n in random.choice(SIZE + 3, 8, replace=False)]
    pins = random.integers(0, 4) * (random.random() < 0.5)
    positions = random.choice(15, pins, replace=False).tolist()
    boosts = (Boost("margin", float(random.normal())), Boost("brand", 1.0, "brand1"), Boost("price", -0.5))
    caps = {name: int(random.integers(1, 5)) for name in ("category", "brand", "colour", "margin", "none")}
    places = tuple((1 + random.choice(12, random.integers(0, 4), replace=False)).tolist())
    return PlacementPolicy(
        in_stock_only=bool(random.random() < 0.3),
        categories=some(random, "category", 5, 0.2),
        brands=some(random, "brand", 7, 0.2),
        attributes=draw_attributes(random),
        exclude_items=tuple(ids[4:]) if random.random() < 0.3 else (),
        exclude_categories=some(random, "category", 3, 0.2),
        exclude_brands=some(random, "brand", 3, 0.2),
        pins=tuple(Pin(item, place + 1) for item, place in zip(ids, positions, strict=False)),
        boosts=tuple(boost for boost in boosts if random.random() < 0.3),
        caps={name: limit for name, limit in caps.items() if random.random() < 0.3},
        diversity=float(random.choice([0.0, 0.5])),
        exploration=Exploration(places, int(random.integers(3, 10))) if random.random() < 0.5 else Exploration(),
        push_running_out=bool(random.random() < 0.2),
    )


@lru_cache(1)
def compiled_policy(number: int) -> CompiledPolicy:
    return CompiledPolicy.of(draw_policy(np.random.default_rng([number, 12])), items())


def draw_world(number: int) -> World:
    random = np.random.default_rng([number, 11])
    candidates = random.choice(SIZE, random.integers(0, SIZE), replace=False)
    return World(
        compiled=compiled_policy(number // 2),
        filters=Filters(
            categories=some(random, "category", 5, 0.2),
            brands=some(random, "brand", 7, 0.2),
            exclude_items=("item-001",) if random.random() < 0.2 else (),
            price_min=float(random.integers(1, 10)) if random.random() < 0.2 else None,
            price_max=float(random.integers(10, 20)) if random.random() < 0.2 else None,
            in_stock_only=bool(random.random() < 0.5),
            attributes=draw_attributes(random),
        ),
        hidden=random.choice(SIZE, random.integers(0, 5), replace=False),
        candidates=candidates,
        scores=random.normal(size=len(candidates)),
        k=int(random.integers(1, 25)),
        seed=number if random.random() < 0.5 else None,
    )


def agrees(row: dict[str, Any], name: str, values: tuple[str, ...]) -> bool:
    own = row.get(name)
    return own is not None and (own in values or any(isinstance(own, float) and v == f"{own:g}" for v in values))


def forbids(row: dict[str, Any], world: World) -> bool:
    """Whether request or policy forbid an item, from its row alone."""
    policy, filters = world.policy, world.filters
    wanted = [("category", policy.categories), ("category", filters.categories)]
    wanted += [("brand", policy.brands), ("brand", filters.brands)]
    wanted += [
        *policy.attributes.items(),
        *filters.attributes.items(),
    ]
    price = row["price"]
    return (
        row["launch"] > NOW
        or ((policy.in_stock_only or filters.in_stock_only) and row["stock"] == 0)
        or any(values and not agrees(row, name, values) for name, values in wanted)
        or (filters.price_min is not None and not (price is not None and price >= filters.price_min))
        or (filters.price_max is not None and not (price is not None and price <= filters.price_max))
        or row["id"] in policy.exclude_items
        or row["category"] in policy.exclude_categories
        or row["brand"] in policy.exclude_brands
    )


def broken_promises(world: World, slate: Slate) -> set[str]:
    """The promises that the slate breaks; the rules are read from the rows, not from the product."""
    hidden = {int(place) for place in world.hidden}
    allowed = {n for n, row in enumerate(rows()) if n not in hidden and not forbids(row, world)}
    shown = slate.items.tolist()
    checks = {
        "filtered": not set(shown) <= allowed,
        "duplicate": len(set(shown)) < len(shown),
        "short": len(shown) != min(world.k, len(allowed)),
        "pin": _pins_broken(world, shown, allowed),
        "caps": _caps_broken(world, slate),
        "propensity": _propensities_broken(world, slate),
        "pushed": _is_pushed(world, slate, allowed),
    }
    return {name for name, is_broken in checks.items() if is_broken}


def _pins_broken(world: World, shown: list[int], allowed: set[int]) -> bool:
    ids = [row["id"] for row in rows()]
    pins = {p.position - 1: ids.index(p.item) for p in world.policy.pins if p.item in ids and p.position <= world.k}
    pins = {place: item for place, item in pins.items() if item in allowed}
    if any(place >= len(shown) for place in pins):
        return not set(pins.values()) <= set(shown)
    return any(shown[place] != item for place, item in pins.items())


def _caps_broken(world: World, slate: Slate) -> bool:
    """Beyond what pins take by themselves, a cap may only be exceeded where that is said, and must be then."""
    exceeded = False
    for name, limit in world.policy.caps.items():
        values = [rows()[item].get(name) for item in slate.items.tolist()]
        counts = Counter(value for value in values if value is not None)
        pinned = Counter(v for v, origin in zip(values, slate.origins, strict=True) if origin == "pinned")
        exceeded |= any(count > max(limit, pinned[value]) for value, count in counts.items())
    return exceeded != ("caps_relaxed" in slate.fallbacks)


def _propensities_broken(world: World, slate: Slate) -> bool:
    places = set(world.policy.exploration.places) if world.seed is not None else set()
    pairs = enumerate(zip(slate.origins, slate.propensities, strict=True), 1)
    return any(
        (origin == "explored") != (propensity is not None)
        or (
            propensity is not None and (place not in places or not 1 / world.policy.exploration.pool <= propensity <= 1)
        )
        for place, (origin, propensity) in pairs
    )


def _is_pushed(world: World, slate: Slate, allowed: set[int]) -> bool:
    """Whether what is running out was explored, or filled a place that another item could have filled."""
    if world.policy.push_running_out:
        return False
    running_out = {n for n, row in enumerate(rows()) if row[LOW_STOCK[0]] is not None}
    origins = {o for n, o in zip(slate.items.tolist(), slate.origins, strict=True) if n in running_out}
    others_left = allowed - running_out - set(slate.items.tolist())
    filled = bool(origins & {"popular", "any_item"})
    return "explored" in origins or (filled and not world.policy.caps and world.seed is None and bool(others_left))


def answer(world: World) -> Slate:
    hidden = [*world.hidden, *(items().ids.index(item) for item in world.filters.exclude_items)]
    eligible = eligible_items(items(), world.filters, world.compiled, NOW, np.array(hidden, np.int64))
    random = None if world.seed is None else np.random.default_rng(world.seed)
    order = np.arange(SIZE, dtype=np.int32)[::-1].copy()
    return rerank(world.candidates, world.scores, world.k, eligible, world.compiled, order, 40, random)


def with_exclusions_hidden(world: World) -> World:
    """For the checks: what the request excludes is hidden like an open page."""
    excluded = [items().ids.index(item) for item in world.filters.exclude_items]
    return replace(world, hidden=np.array([*world.hidden, *excluded], np.int64))


def test_every_promise_holds_in_random_worlds() -> None:
    broken = Counter[str]()
    seen = Counter[str]()
    for world in map(draw_world, range(WORLDS)):
        slate = answer(world)
        broken.update(broken_promises(with_exclusions_hidden(world), slate))
        seen.update({*slate.origins, *slate.fallbacks, "something" if len(slate.items) else "nothing"})
    assert broken == {}
    # The worlds are worth asking: whatever can happen, happens in many of them.
    expected = ("ranked", "pinned", "explored", "popular", "any_item", "caps_relaxed", "nothing", "something")
    assert min(seen[name] for name in expected) > WORLDS / 100, seen


def late(world: World) -> Slate:
    """Sabotage: the best k are taken first, and the policy is applied to them afterwards."""
    anything = answer(replace(world.under(PlacementPolicy()), filters=Filters(in_stock_only=False)))
    kept = [not forbids(rows()[item], world) for item in anything.items.tolist()]
    anything.items, anything.scores = anything.items[kept], anything.scores[kept]
    anything.origins = [origin for origin, keep in zip(anything.origins, kept, strict=True) if keep]
    anything.propensities = [p for p, keep in zip(anything.propensities, kept, strict=True) if keep]
    return anything


def unfiltered(world: World) -> Slate:
    """Sabotage: the request's filters are forgotten."""
    return answer(replace(world, filters=Filters(in_stock_only=False)))


def uncapped(world: World) -> Slate:
    return answer(world.under(msgspec.structs.replace(world.policy, caps={})))


def unpinned(world: World) -> Slate:
    return answer(world.under(msgspec.structs.replace(world.policy, pins=())))


def repeated(world: World) -> Slate:
    slate = answer(world)
    slate.items = np.repeat(slate.items[:1], len(slate.items))
    return slate


def certain(world: World) -> Slate:
    slate = answer(world)
    slate.propensities = [1.0] * len(slate.items)
    return slate


def pushing(world: World) -> Slate:
    return answer(world.under(msgspec.structs.replace(world.policy, push_running_out=True)))


def test_every_promise_can_be_broken() -> None:
    """The control: each planted bug breaks the promise that it is aimed at."""
    planted = {
        "short": late,
        "filtered": unfiltered,
        "caps": uncapped,
        "pin": unpinned,
        "duplicate": repeated,
        "propensity": certain,
        "pushed": pushing,
    }
    for promise, bug in planted.items():
        worlds = map(draw_world, range(1_000))
        found = (w for w in worlds if promise in broken_promises(with_exclusions_hidden(w), bug(w)))
        assert len(list(islice(found, 10))) == 10, promise


def test_the_shelf_has_items_of_every_launch() -> None:
    assert set(items().available_from.tolist()) == {ALWAYS, NOW - 1, NOW, NOW + 1}
