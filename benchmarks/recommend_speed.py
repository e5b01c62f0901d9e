"""How fast recommend() is in a large store, and what a second worker costs.

    python -m benchmarks.recommend_speed --items 100000 --customers 1000000

Makes a store with planted tastes (customers like a few categories, items are popular by a power law), fits the
recommender with its default settings, writes its arrays, opens them memory-mapped, and asks one question after the
other on one thread. The last line is one JSON object. `--folder` is emptied first.
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.harness.home import emptied
from benchmarks.recommendations.run import fitted
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.files import read_recommender, write_recommender
from recsys.parameters import RecommendParameters
from recsys.recommender import Recommender
from recsys.request import Query, SessionEvent

DAYS: Final = 365
ITEMS_PER_CATEGORY: Final = 200
TASTES: Final = 3  # categories that a customer likes
SEED: Final = 7


def main() -> None:
    """Make, fit, write, map, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events-per-customer", type=int, default=8)
    parser.add_argument("--questions", type=int, default=5_000, help="of each kind")
    parser.add_argument("--folder", type=Path, default=Path("var/bench-speed"), help="an empty folder, or this one's")
    options = parser.parse_args()
    folder = emptied(options.folder)
    interactions, items = planted_store(options.items, options.customers, options.events_per_customer)
    trial = fitted(interactions, items, DAYS * SECONDS_PER_DAY, RecommendParameters())
    write_recommender(folder, trial.recommender)
    events = len(interactions)
    fit_seconds = trial.fit_seconds
    fit_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    del trial, interactions, items
    with multiprocessing.get_context("spawn").Pool(2) as workers:
        first, second = workers.starmap(asked, [(folder, options.questions, seed) for seed in (1, 2)], chunksize=1)
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        (alone,) = workers.starmap(asked, [(folder, options.questions, 3)])
    print(
        json.dumps(
            {
                "events": events,
                "fit_seconds": round(fit_seconds, 1),
                "fit_mib": round(fit_mib),
                "alone": alone,
                "two_workers": [first, second],
            }
        )
    )


def planted_store(items: int, customers: int, events_per_customer: int) -> tuple[Interactions, Items]:
    """Views, carts and orders of customers with a few favourite categories, evenly over a year."""
    random = np.random.default_rng(SEED)
    categories = max(items // ITEMS_PER_CATEGORY, 1)
    count = customers * events_per_customer
    customer = np.sort(random.integers(0, customers, count))
    tastes = (random.random((customers, TASTES)) ** 2 * categories).astype(np.int64)
    category = tastes[customer, random.integers(0, TASTES, count)]
    within = (random.random(count) ** 3 * ITEMS_PER_CATEGORY).astype(np.int64)
    item = np.minimum(category * ITEMS_PER_CATEGORY + within, items - 1)
    # Visits of a handful of events each: neighbours in the customer's list share the visit's hour.
    visit = np.repeat(random.random(count // 4 + 1) * DAYS * SECONDS_PER_DAY, 4)[:count]
    times = (visit + random.integers(0, 1200, count)).clip(0, DAYS * SECONDS_PER_DAY - 1).astype(np.int64)
    kinds = random.choice(len(KINDS), count, p=[0.8, 0.1, 0.1])
    width = len(str(items))
    catalogue = Items.of(
        [f"item-{place:0{width}d}" for place in range(items)],
        names=[f"Thing {place} of kind {place // ITEMS_PER_CATEGORY}" for place in range(items)],
        categories=[f"category {place // ITEMS_PER_CATEGORY}" for place in range(items)],
        brands=[f"brand {place % 997}" for place in range(items)],
        price=np.exp(random.normal(3, 1, items)),
    )
    people = Vocabulary.of(f"customer-{place:07d}" for place in range(customers))
    return Interactions.of(people, items, customer, item, kinds, times), catalogue


def asked(folder: Path, questions: int, seed: int) -> dict[str, Any]:
    """Open the recommender memory-mapped, ask, and say how long each kind of question took and what the memory is."""
    started = time.monotonic()
    recommender = read_recommender(folder)
    opened = time.monotonic() - started
    random = np.random.default_rng(seed)
    customers, ids = recommender.histories.customers, recommender.retriever.items.ids

    def customer() -> str:
        return customers.value(int(random.integers(len(customers))))

    def visit() -> tuple[SessionEvent, ...]:
        first = int(random.integers(len(ids) - ITEMS_PER_CATEGORY))
        near = first + random.integers(0, ITEMS_PER_CATEGORY, int(random.integers(1, 8)))
        return tuple(SessionEvent(ids.value(int(place))) for place in near)

    kinds: dict[str, Callable[[], Query]] = {
        "home_page": lambda: Query(customer_id=customer()),
        "inside_a_visit": lambda: Query(customer_id=customer(), session=visit()),
        "new_visitor": lambda: Query(session=visit()),
        "product_page_similar": lambda: Query(item_id=visit()[0].item_id, placement="similar"),
    }
    figures: dict[str, Any] = {"open_seconds": round(opened, 2)}
    for name, ask in kinds.items():
        queries = [ask() for _ in range(questions)]
        for query in queries[:50]:
            recommender.recommend(query)
        milliseconds = [_milliseconds(recommender, query) for query in queries]
        figures[name] = {
            "p50_ms": round(float(np.quantile(milliseconds, 0.5)), 3),
            "p99_ms": round(float(np.quantile(milliseconds, 0.99)), 3),
        }
    return figures | {"private_mib": round(_private_mib())}


def _milliseconds(recommender: Recommender, query: Query) -> float:
    started = time.perf_counter()
    recommender.recommend(query)
    return 1e3 * (time.perf_counter() - started)


def _private_mib() -> float:
    """Memory that this process does not share: what a further worker costs."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    private = [line for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))]
    return sum(int(line.split()[1]) for line in private) / 1024


if __name__ == "__main__":
    main()
