"""The simulated store: what share of the gain that its planted tastes allow the recommender finds.

    python -m benchmarks.recommendations.planted_tastes [--events 200000] [--seed 7]

A store is simulated; the recommender is fitted on all but its last two weeks and asked through recommend(), at their
start, for every known customer who ordered in them. The oracle ranks by the true probabilities: it takes the
simulator's own customers, with the tastes, rates and stocks at home that they had then, and draws many shopping trips
of each on each of those days. Popular is what most customers chose in the last 7 days. The last line is one JSON
object; its `attainable_share` is (ours - popular) / (oracle - popular). Every session's customer is taken as known.
"""

import argparse
import copy
import json
import resource
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.recommendations.asking import ANY, asked
from contracts.time_units import SECONDS_PER_DAY
from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.basket import fill_baskets
from pipelines.simulate.browsing import draw_views
from pipelines.simulate.calendar import Calendar
from pipelines.simulate.catalogue import Catalogue, draw_catalogue, unit
from pipelines.simulate.customers import Customers, draw_customers
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.session_events import ADD, ORDER, VIEW, SessionEvents, draw_session_events
from pipelines.simulate.sessions import WALK_IN, Sessions, draw_sessions, session_chances
from pipelines.simulate.simulation import parameters_for
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.parameters import RecommendParameters
from recsys.training.evaluation import K
from recsys.training.examples import Examples
from recsys.training.ranking_metrics import RankedLists, mean
from recsys.training.time_split import Window
from recsys.training.train import fit_recommender

TEST_DAYS: Final = 14
DRAWS: Final = 40  # orders that the oracle lets each customer place on each day
METRICS: Final = ("recall_at_20", "ndcg_at_10")


def main() -> None:
    """Simulate, fit, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000, help="about how many the store sends")
    parser.add_argument("--seed", type=int, default=StoreParameters.seed)
    given = parser.parse_args()
    print(json.dumps(evaluated(parameters_for(given.events, seed=given.seed), RecommendParameters(), DRAWS)))


def evaluated(p: StoreParameters, parameters: RecommendParameters, draws: int) -> dict[str, Any]:
    """The benchmark's line: each metric of ours, of popular and of the oracle, and the share of the gain."""
    started = time.monotonic()
    life = live(p)
    lived_at = time.monotonic()
    past = life.interactions.before(life.window.start)
    recommender = fit_recommender(past, life.items, life.window.start, parameters)
    fitted_at = time.monotonic()
    examples = Examples.next_period(life.interactions, life.window, KINDS.index("order"))
    examples = examples.where(life.is_planted[examples.customers] & examples.has_history)
    ours = asked(recommender, examples)
    popular = np.tile(recommender.retriever.popularity.order[:K].astype(np.int64), (len(examples), 1))
    found = {
        "ours": metrics_of(ours.lists, life, examples),
        "popular": metrics_of(popular, life, examples),
        "oracle": oracle_metrics(life, examples, draws),
    }
    figures = {name: {method: metrics[name] for method, metrics in found.items()} for name in METRICS}
    return {
        "attainable_share": {name: share(**values) for name, values in figures.items()},
        **figures,
        "candidate_recall": round(float(ours.retrieved[ANY].mean()), 4),
        "cases": len(examples),
        "interactions": len(life.interactions),
        "simulate_seconds": round(lived_at - started, 1),
        "fit_seconds": round(fitted_at - lived_at, 1),
        "judge_seconds": round(time.monotonic() - fitted_at, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def share(ours: float | None, popular: float | None, oracle: float | None) -> float | None:
    """The share of the possible gain over popular; None where there is none."""
    if ours is None or popular is None or oracle is None or oracle <= popular:
        return None
    return round((ours - popular) / (oracle - popular), 4)


@dataclass(frozen=True)
class Life:
    """A simulated store, and its customers as they were when the window began.

    `planted` (customers of the interactions,) int64 is each one's number in the simulator, WALK_IN for a walk-in;
    `places` (items,) int64 is the place in `items` of each of the simulator's items.
    """

    parameters: StoreParameters
    catalogue: Catalogue
    calendar: Calendar
    customers: Customers
    interactions: Interactions
    items: Items
    window: Window
    planted: np.ndarray
    places: np.ndarray

    @property
    def is_planted(self) -> np.ndarray:
        return np.asarray(self.planted != WALK_IN)

    @property
    def test_days(self) -> range:
        return range(self.parameters.days - TEST_DAYS, self.parameters.days)


def live(p: StoreParameters) -> Life:
    """All the store's days, drawn as the simulator draws them."""
    catalogue = draw_catalogue(p)
    customers, calendar = draw_customers(p, catalogue), Calendar(p, catalogue)
    first = int(p.start_at.timestamp())
    at_start, days, comers = customers, [], p.customers
    for number in range(p.days):
        if number == p.days - TEST_DAYS:
            at_start = copy.deepcopy(customers)
        rng = np.random.default_rng([p.seed, 4, number])
        day = calendar.day(number)
        sessions = draw_sessions(p, customers, day, rng)
        who = np.where(sessions.customer == WALK_IN, comers + np.arange(sessions.count), sessions.customer)
        comers += sessions.count
        days.append(
            _day_of(
                draw_session_events(p, catalogue, customers, day, sessions, rng), who, first + number * SECONDS_PER_DAY
            )
        )
    who, item, kind, times = (np.concatenate(parts) for parts in zip(*days, strict=True))
    items = _items(p, catalogue, first)
    places = items.ids.indices(catalogue.item_id)
    people, customer = np.unique(who, return_inverse=True)
    names = Vocabulary.of(f"{person:012d}" for person in people.tolist())
    end = first + p.days * SECONDS_PER_DAY
    return Life(
        parameters=p,
        catalogue=catalogue,
        calendar=calendar,
        customers=at_start,
        interactions=Interactions.of(names, len(items), customer, places[item], kind, times),
        items=items,
        window=Window(end - TEST_DAYS * SECONDS_PER_DAY, end),
        planted=np.where(people < p.customers, people, WALK_IN),
        places=places,
    )


def oracle_metrics(life: Life, examples: Examples, draws: int) -> dict[str, float | None]:
    """The metrics of ranking by the true probabilities."""
    planted = life.planted[examples.customers]
    chances = expected_orders(life, planted, draws)
    best = np.argsort(-chances, axis=1, kind="stable")[:, :K]
    return metrics_of(life.places[best], life, examples)


def metrics_of(shown: np.ndarray, life: Life, examples: Examples) -> dict[str, float | None]:
    """The metrics of the items shown for each example, (examples, K)."""
    lists = RankedLists(shown, examples.target_keys, len(life.items))
    return {"recall_at_20": mean(lists.recall(K)), "ndcg_at_10": mean(lists.ndcg(10))}


def expected_orders(life: Life, who: np.ndarray, draws: int) -> np.ndarray:
    """(customers, simulated items): how many orders of the test days are expected to hold each item.

    `who` (customers,) are numbers in the simulator. Each of them places `draws` orders on each day, weighted by the
    chance that it comes and buys on that day.
    """
    p, size = life.parameters, life.catalogue.size
    chances = np.zeros(len(who) * size)
    for number in life.test_days:
        day = life.calendar.day(number)
        comes, buys = session_chances(p, life.customers, day)
        weights = (comes * buys)[who] / draws
        rng = np.random.default_rng([p.seed, 6, number])
        sessions = _buying(p, life.customers, np.repeat(who, draws), rng)
        views = draw_views(p, life.catalogue, day, sessions, rng)
        customers = copy.deepcopy(life.customers)  # whose stocks at home the baskets fill
        basket = fill_baskets(p, life.catalogue, customers, day, sessions, views, rng)
        row = basket.session // draws
        chances += np.bincount(row * size + basket.item, weights[row], minlength=len(chances))
    return np.asarray(chances.reshape(len(who), size))


def _buying(p: StoreParameters, customers: Customers, who: np.ndarray, rng: np.random.Generator) -> Sessions:
    """A session of each, in a mood drawn for it, that ends with an order."""
    nothing = np.zeros(len(who), np.int64)
    said = ("slot", "device_key", "start_ms", "channel", "country", "device_type", "consent", "known", "login")
    return Sessions(
        customer=who,
        taste=customers.taste[who] + p.visit_mood * unit(rng.normal(size=(len(who), p.taste_dims))),
        price_sensitivity=customers.price_sensitivity[who],
        buys=np.ones(len(who), bool),
        by_alias=nothing.astype(bool),
        expected_orders=0.0,
        **dict.fromkeys(said, nothing),
    )


def _day_of(
    events: SessionEvents, who: np.ndarray, midnight: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Customer, item, kind and time of one day's interactions; `who` (sessions,) is each session's customer."""
    seconds, basket = midnight + events.at_ms // 1000, events.basket
    touched = np.flatnonzero((events.kind == VIEW) | (events.kind == ADD))
    ordered = np.flatnonzero(events.kind == ORDER)
    placed_at = np.zeros(len(basket.order_session), np.int64)
    placed_at[events.item[ordered]] = seconds[ordered]
    kinds = np.where(events.kind[touched] == ADD, KINDS.index("cart"), KINDS.index("view"))
    return (
        np.concatenate([who[events.session[touched]], who[basket.session]]),
        np.concatenate([events.item[touched], basket.item]),
        np.concatenate([kinds, np.full(len(basket.item), KINDS.index("order"))]),
        np.concatenate([seconds[touched], np.repeat(placed_at, np.diff(basket.order_start))]),
    )


def _items(p: StoreParameters, catalogue: Catalogue, first: int) -> Items:
    return Items.of(
        ids=catalogue.item_id,
        names=catalogue.name,
        categories=[CATEGORIES[code].name for code in catalogue.category],
        brands=catalogue.brand,
        price=catalogue.price,
        available_from=first + catalogue.launch_day * SECONDS_PER_DAY,
    )


if __name__ == "__main__":
    main()
