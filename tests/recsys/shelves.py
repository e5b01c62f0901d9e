"""A small catalogue with something of everything that a policy can name."""

import numpy as np

from recsys.data.catalogue import ALWAYS, Items
from recsys.reranking.compiled_policy import CompiledPolicy
from recsys.reranking.policy import LOW_STOCK, PlacementPolicy
from recsys.reranking.reranker import Slate, rerank

NOW = 1_000


def shelf(size: int = 60, seed: int = 0) -> Items:
    """Items whose category, brand, price, stock, launch and attributes are drawn; each is unknown for some of them."""
    random = np.random.default_rng(seed)

    def named(prefix: str, count: int) -> list[str | None]:
        return [f"{prefix}{n}" if n < count else None for n in random.integers(0, count + 1, size).tolist()]

    colours, margins = named("colour", 3), random.integers(0, 6, size).tolist()
    attributes = [{"colour": colour or "", "margin": m or ""} for colour, m in zip(colours, margins, strict=True)]
    drawn = {
        "categories": named("category", 5),
        "brands": named("brand", 7),
        "price": np.where(random.random(size) < 0.1, np.nan, random.integers(1, 20, size)),
        "stock": random.choice([np.nan, 0, 1, 5], size),
        "available_from": random.choice([ALWAYS, NOW - 1, NOW, NOW + 1], size),
    }
    for own, is_running_out in zip(attributes, random.random(size) < 0.5, strict=True):
        own[LOW_STOCK[0]] = LOW_STOCK[1] if is_running_out else ""
    return Items.of([f"item-{n:03d}" for n in range(size)], attributes=attributes, **drawn)  # type: ignore[arg-type]


def plain(size: int, **named: list[str | None]) -> Items:
    return Items.of([f"item-{n:03d}" for n in range(size)], **named)  # type: ignore[arg-type]


def reranked(
    items: Items,
    policy: PlacementPolicy,
    k: int = 5,
    candidates: list[int] | None = None,
    scores: list[float] | None = None,
    eligible: list[int] | None = None,
    seed: int | None = None,
    popular_count: int = 1_000,
) -> Slate:
    """By default, every item is a candidate and eligible, the first scores best and is most popular."""
    places = list(range(len(items))) if candidates is None else candidates
    points = [-float(place) for place in range(len(places))] if scores is None else scores
    mask = np.isin(np.arange(len(items)), range(len(items)) if eligible is None else eligible)
    return rerank(
        np.array(places, np.int64),
        np.array(points, np.float64),
        k,
        mask,
        CompiledPolicy.of(policy, items),
        np.arange(len(items), dtype=np.int32),
        popular_count,
        None if seed is None else np.random.default_rng(seed),
    )
