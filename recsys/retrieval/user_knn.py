"""User-kNN: the items of the customers who are most similar to the user, found during the request.

It scores items in two ways. `customers`: the nearest customers by cosine similarity, in which rare items and recent
sessions weigh more (the decay of Hu et al., "Modeling personalized item frequency information for next-basket
recommendation", 2020). `random_walk`: two steps on the graph of customers and items, in which the popularity of each
node is damped (Christoffel et al., "Blockbusters and wallflowers", 2015). It fails where customers share no items.
"""

from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SESSION_GAP_SECONDS, session_starts
from recsys.data.user_history import UserHistory
from recsys.kernels.jit import jit, read_only
from recsys.kernels.pair_counts import Pairs
from recsys.kernels.prefetch import prefetch
from recsys.kernels.thread_local import ThreadLocal
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_in
from recsys.retrieval.protocol import Column, FitData
from recsys.retrieval.selection import rank_threshold

SESSION_DECAY: Final = 0.9  # of an item's weight per later session
SEED_ITEMS: Final = 60  # distinct items of the user, the latest
READ_CUSTOMERS: Final = 3_000  # entries of the items' customer lists that are read per request
MOST_OF_ITEM: Final = 400  # of them per item, the latest
NEIGHBOURS: Final = 150  # by cosine
WALK_NEIGHBOURS: Final = 200  # by random walk
MOST_ITEMS: Final = 40  # per neighbour, the latest
CUSTOMER_DAMPING: Final = 0.5
ITEM_DAMPING: Final = 0.3
_SESSION_GAP_DAYS: Final = SESSION_GAP_SECONDS / SECONDS_PER_DAY


class Profiles(NamedTuple):
    """Each customer's distinct items with their weights, and each item's customers.

    Customer c's items, oldest first: items[offsets[c] : offsets[c + 1]] int32, with `weights` float32. Item i's
    customers, oldest first: customers[item_offsets[i] : item_offsets[i + 1]] int32, with `nearness` (pairs, 2) float32:
    what the item adds to the customer's similarity by cosine and by random walk. `damping` (items,) float32 is the
    factor by which the random walk damps popular items.
    """

    offsets: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    item_offsets: np.ndarray
    customers: np.ndarray
    nearness: np.ndarray
    damping: np.ndarray


class UserKNN:
    """Retrieves the items of the nearest customers."""

    name: ClassVar[str] = "customers"

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = Profiles(*map(read_only, profiles))
        # Each customer's similarity by cosine and by random walk; zero between requests.
        self._buffers = ThreadLocal(lambda: np.zeros((len(profiles.offsets) - 1, 2), np.float32))

    @classmethod
    def fit(cls, state: FitData) -> Self:
        return cls(profiles_of(state.interactions.latest(state.parameters.visitor_interactions)))

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        limit = parameters.candidates_by_customers
        return (
            Column("customers", limit=limit, weight=1.0, is_ranked=True, is_popularity_normalised=True),
            Column("random_walk", limit=limit, weight=1.0, is_ranked=True),
        )

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        if not user.is_cold_start:
            items, weights = _seeds(user.items, user.ages, user.session_start)
            _retrieve(items, weights, user.customer, self.profiles, self._buffers.get(), pool, first)

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"profiles_{name}": array for name, array in self.profiles._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(Profiles(*(np.asarray(arrays[f"profiles_{name}"]) for name in Profiles._fields)))


def profiles_of(interactions: Interactions) -> Profiles:
    """Every customer's distinct items; each session with the item adds a weight that decays with later sessions."""
    rows = interactions.rows
    sessions = np.zeros(len(interactions), np.int64)
    starts = session_starts(interactions)
    sessions[starts] = 1
    sessions = np.cumsum(sessions)
    last = sessions[np.maximum(interactions.offsets[1:] - 1, 0)] if len(sessions) else sessions
    since = last[rows] - sessions
    by_session = Pairs.of(rows * (sessions.max(initial=0) + 1) + sessions, interactions.items, interactions.item_count)
    entry = by_session.order[by_session.starts]  # one per item and session, however many interactions there were
    pairs = Pairs.of(rows[entry], interactions.items[entry], interactions.item_count)
    weights = pairs.sums((SESSION_DECAY ** since[entry]).astype(np.float32))
    latest = -pairs.minima(-interactions.times[entry])
    order = np.lexsort((latest, pairs.rows))
    customer, item, weight, latest = pairs.rows[order], pairs.columns[order], weights[order], latest[order]
    counts = np.bincount(item, minlength=interactions.item_count)
    rarity = np.log1p(len(interactions.customers) / (1.0 + counts)).astype(np.float32)
    by_item = np.lexsort((latest, item))
    sizes = np.bincount(customer, minlength=len(interactions.customers))
    norms = np.sqrt(np.bincount(customer, (weight * rarity[item]) ** 2, minlength=len(sizes)))
    by_cosine = rarity[item] ** 2 * weight / norms[customer]
    linear = counts[item] ** -0.5 * sizes[customer] ** -CUSTOMER_DAMPING
    return Profiles(
        offsets=_offsets(sizes),
        items=item.astype(np.int32),
        weights=weight.astype(np.float32),
        item_offsets=_offsets(counts),
        customers=customer[by_item].astype(np.int32),
        nearness=np.column_stack([by_cosine, linear])[by_item].astype(np.float32),
        damping=np.maximum(counts, 1).astype(np.float32) ** np.float32(-ITEM_DAMPING),
    )


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@jit
def _seeds(items: np.ndarray, ages: np.ndarray, session: int) -> tuple[np.ndarray, np.ndarray]:
    """The latest distinct items of a history, and their weights as in `profiles_of`."""
    found, weights = np.empty(SEED_ITEMS, np.int32), np.zeros(SEED_ITEMS, np.float32)
    in_session = np.zeros(SEED_ITEMS, np.int64)  # the last session counted for the item; the latest session is 1
    count, number = 0, 1
    for entry in range(len(items) - 1, -1, -1):
        if entry + 1 < len(items) and (entry + 1 == session or ages[entry] - ages[entry + 1] > _SESSION_GAP_DAYS):
            number += 1
        at = 0
        while at < count and found[at] != items[entry]:
            at += 1
        if at == SEED_ITEMS:
            continue
        if at == count:
            found[at] = items[entry]
            count += 1
        if in_session[at] != number:
            in_session[at] = number
            weights[at] += SESSION_DECAY ** (number - 1)
    return found[:count], weights[:count]


@jit
def _retrieve(
    items: np.ndarray,
    weights: np.ndarray,
    own: int,
    profiles: Profiles,
    sums: np.ndarray,
    pool: CandidatePool,
    first: int,
) -> None:
    reached = np.empty(READ_CUSTOMERS + MOST_OF_ITEM, np.int32)
    count = _gather(items, weights, own, profiles, sums, reached)
    found = reached[:count]
    cosine, linear = np.empty(count, np.float32), np.empty(count, np.float32)
    for place in range(count):
        customer = found[place]
        cosine[place], linear[place] = sums[customer]
        sums[customer, :] = 0.0
    is_near = cosine.view(np.int32) >= rank_threshold(cosine, NEIGHBOURS)
    is_near_linear = linear.view(np.int32) >= rank_threshold(linear, WALK_NEIGHBOURS)
    profile_items, profile_weights, damping = profiles.items, profiles.weights, profiles.damping
    item_rows, rows, size = pool.item_rows, pool.items, pool.size
    cosines, linears = pool.scores[first], pool.scores[first + 1]
    # Most neighbours are near by both measures; each is read once.
    neighbours = np.flatnonzero(is_near | is_near_linear)
    starts, stops = _lists_of(found[neighbours], profiles, item_rows)
    for place in range(len(neighbours)):
        neighbour = neighbours[place]
        near, near_linear = cosine[neighbour] * is_near[neighbour], linear[neighbour] * is_near_linear[neighbour]
        for entry in range(starts[place], stops[place]):
            item = profile_items[entry]
            row = row_in(item, item_rows, rows, size)
            cosines[row] += near * profile_weights[entry]
            linears[row] += near_linear * damping[item]


@jit
def _lists_of(customers: np.ndarray, profiles: Profiles, item_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The start and stop of each customer's latest items; prefetches what is looked up by them."""
    items, weights, damping = profiles.items, profiles.weights, profiles.damping
    for customer in customers:
        prefetch(profiles.offsets, customer)
    starts, stops = profiles.offsets[customers], profiles.offsets[customers + 1]
    starts = np.maximum(starts, stops - MOST_ITEMS)
    for place in range(len(customers)):
        for entry in (starts[place], stops[place]):
            prefetch(items, entry)
            prefetch(weights, entry)
    for place in range(len(customers)):
        for entry in range(starts[place], stops[place]):
            prefetch(item_rows, items[entry])
            prefetch(damping, items[entry])
    return starts, stops


@jit
def _gather(
    items: np.ndarray, weights: np.ndarray, own: int, profiles: Profiles, sums: np.ndarray, reached: np.ndarray
) -> int:
    """Sum the similarity of each customer who has one of the items into `sums`, their indices into `reached`.

    Returns the number of customers reached.
    """
    count = 0
    item_offsets, customers, nearness = profiles.item_offsets, profiles.customers, profiles.nearness
    share = max(READ_CUSTOMERS // max(len(items), 1), 1)
    for place in range(len(items)):
        item = items[place]
        if item + 1 >= len(item_offsets):  # appended after the fit
            continue
        stop = item_offsets[item + 1]
        start = max(item_offsets[item], stop - min(MOST_OF_ITEM, share))
        for entry in range(start, stop):
            prefetch(sums, 2 * customers[entry])
        for entry in range(start, stop):
            customer = customers[entry]
            if customer == own:
                continue
            # Without a branch, which would often be mispredicted.
            reached[count] = customer
            count += sums[customer, 1] == 0.0
            sums[customer, 0] += weights[place] * nearness[entry, 0]
            sums[customer, 1] += weights[place] * nearness[entry, 1]
    return count
