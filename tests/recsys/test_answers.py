"""What no answer may do, whatever the question, policy or thread: show what is ruled out, or come back short."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest

from recsys import recommender as recommender_module
from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.kernels.thread_local import ThreadLocal
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender
from recsys.request import Filters, Query, SessionEvent
from recsys.reranking.policy import Boost, Exploration, Pin, PlacementPolicy, Policy
from recsys.retrieval import retriever as retriever_module
from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.protocol import Column
from tests.recsys.stores import (
    ORDER,
    all_items,
    checkerboard,
    item_ids,
    recommender,
    retriever,
    shown,
    user,
)

# Filters and policies. test_policy_promises.py tries 2,000 random policies on re-ranking alone; here the same promises
# hold from a query to its answer.

STOCKED = Items.of(
    item_ids(40),
    categories=[("tea", "mug", "pot", None)[n % 4] for n in range(40)],
    brands=[("acme", "best")[n // 2 % 2] for n in range(40)],
    price=np.array([np.nan if n % 10 == 9 else n for n in range(40)]),
    stock=np.array([0.0 if n % 7 == 0 else 5.0 for n in range(40)]),
)


ASKED = ("for_you", "similar", "bought_together", "cart", "trending", "new_arrivals", "popular")


@cache
def stocked() -> Recommender:
    return recommender(checkerboard(), STOCKED, 60)


def some(random: np.random.Generator, values: list[str], most: int) -> tuple[str, ...]:
    return tuple(random.choice(values, random.integers(most + 1), replace=False).tolist())


def drawn_policy(random: np.random.Generator) -> PlacementPolicy:
    return PlacementPolicy(
        in_stock_only=bool(random.integers(2)),
        exclude_items=some(random, item_ids(40), 5),
        exclude_categories=some(random, ["tea", "mug"], 1),
        exclude_brands=some(random, ["acme", "best"], int(random.integers(2))),
        bought=("ranked", "never")[int(random.integers(2))],
        pins=tuple(Pin(item, place) for place, item in enumerate(some(random, item_ids(40), 3), 1)),
        boosts=(Boost("price", float(random.normal())),),
        caps={"category": int(random.integers(1, 9))} if random.integers(2) else {},
        diversity=float(random.integers(2)),
        exploration=Exploration(places=(2, 5)[: int(random.integers(3))]),
    )


def drawn_query(random: np.random.Generator) -> Query:
    low, high = np.sort(random.integers(0, 40, 2)).tolist()
    return Query(
        customer_id=("customer-000", "customer-001", "nobody", None)[int(random.integers(4))],
        item_id=str(random.choice(item_ids(40))),
        cart=some(random, item_ids(40), 3),
        session=tuple(SessionEvent(item) for item in some(random, item_ids(40), 3)),
        k=int(random.integers(1, 45)),
        placement=str(random.choice(ASKED)),
        filters=Filters(
            categories=some(random, ["tea", "mug", "pot"], 2),
            brands=some(random, ["acme", "best"], 1),
            exclude_items=some(random, item_ids(40), 5),
            price_min=low if random.integers(2) else None,
            price_max=high if random.integers(2) else None,
            in_stock_only=bool(random.integers(2)),
        ),
        personalize=bool(random.integers(4)),
        seed=int(random.integers(1000)) if random.integers(2) else None,
    )


BOUGHT = {
    customer: {item for who, item, _, _ in checkerboard() if who == customer}
    for customer in ("customer-000", "customer-001")
}


def may_be_shown(n: int, query: Query, policy: PlacementPolicy) -> bool:
    """One item against everything that a shopper, a shop and a page rule out."""
    item, category, brand = f"item-{n:03d}", ("tea", "mug", "pot", None)[n % 4], ("acme", "best")[n // 2 % 2]
    price = None if n % 10 == 9 else n
    wanted = query.filters
    bought = BOUGHT.get(query.customer_id or "", set()) if query.personalize else set()
    verdicts = (
        item not in {query.item_id, *query.cart, *wanted.exclude_items, *policy.exclude_items},
        not (wanted.in_stock_only or policy.in_stock_only) or n % 7 != 0,
        not wanted.categories or category in wanted.categories,
        not wanted.brands or brand in wanted.brands,
        category not in policy.exclude_categories,
        brand not in policy.exclude_brands,
        wanted.price_min is None or (price is not None and price >= wanted.price_min),
        wanted.price_max is None or (price is not None and price <= wanted.price_max),
        policy.bought != "never" or item not in bought,
    )
    return all(verdicts)


def broken_promises() -> Iterator[Query]:
    """Of a thousand random queries under fifty random policies, those whose answer is not what was promised."""
    random = np.random.default_rng(11)
    for _ in range(50):
        policy = drawn_policy(random)
        ruled = stocked().with_policy(Policy(placements=dict.fromkeys(ASKED, policy)))
        for _ in range(20):
            query = drawn_query(random)
            allowed = {f"item-{n:03d}" for n in range(40) if may_be_shown(n, query, policy)}
            found = shown(ruled.recommend(query))
            if not set(found) <= allowed or len(found) != len(set(found)) or len(found) != min(query.k, len(allowed)):
                yield query


def test_no_answer_holds_what_is_ruled_out_or_is_short() -> None:
    assert not list(broken_promises())


def test_an_item_that_slips_through_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: item 0, which is sold out, is let through."""
    honest = recommender_module.eligible_items

    def careless(*given: Any) -> np.ndarray:
        eligible = honest(*given)
        eligible[0] = True
        return eligible

    monkeypatch.setattr(recommender_module, "eligible_items", careless)
    assert next(broken_promises())


# Threads.


def test_threads_that_ask_at_once_are_answered_as_if_alone() -> None:
    random = np.random.default_rng(3)
    queries = [drawn_query(random) for _ in range(200)]
    alone = [stocked().recommend(query) for query in queries]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(stocked().recommend, queries)) == alone


class Meeting:
    """A source that says nothing, but in the first thread waits until the second has written all of its own."""

    name: ClassVar[str] = "meeting"

    def __init__(self) -> None:
        self.first_is_here, self.second_is_done = threading.Event(), threading.Event()

    def retrieve(self, shopper: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        if self.first_is_here.is_set():
            self.second_is_done.set()
        else:
            self.first_is_here.set()
            assert self.second_is_done.wait(60)

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return ()


class OfAllThreads(ThreadLocal[Any]):
    """What scratch must not be: one for all threads."""

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__(make)
        self.memory = make()

    def get(self) -> Any:
        return self.memory


def interrupted_candidates() -> tuple[list[int], list[int]]:
    """A shopper's candidates, and the same where another thread asks for somebody else's in the middle."""
    fitted = retriever(checkerboard(), Items.of(item_ids(40)), 60, RecommendParameters(candidates_popular=1))
    mine, somebody = user([(2, ORDER, 9.0)]), user([(1, ORDER, 9.0)])
    meeting = Meeting()
    met = replace(fitted, sources={**fitted.sources, meeting.name: meeting})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(met.candidates, mine, all_items(fitted))
        assert meeting.first_is_here.wait(60)
        pool.submit(met.candidates, somebody, all_items(fitted)).result()
        found = first.result()
    return fitted.candidates(mine, all_items(fitted)).items.tolist(), found.items.tolist()


def test_a_thread_that_is_interrupted_keeps_its_own_board() -> None:
    alone, interrupted = interrupted_candidates()
    assert interrupted == alone


def test_one_board_for_all_threads_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setattr(retriever_module, "ThreadLocal", OfAllThreads)
    alone, interrupted = interrupted_candidates()
    assert interrupted != alone
