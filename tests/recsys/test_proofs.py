"""Proof that the recommender's skill is real: changes whose effect is known beforehand, each with a control."""

from dataclasses import replace
from functools import cache
from typing import ClassVar, Self

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import SCENARIOS, train_ranker
from recsys.recommender import Recommender
from recsys.request import Query, SessionEvent
from recsys.retrieval import retriever as retriever_module
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.protocol import Column, FitData
from recsys.retrieval.retriever import Retriever
from recsys.training.evaluation import evaluate
from recsys.training.examples import Examples
from recsys.training.groups import training_groups
from recsys.training.time_split import Window
from tests.recsys.stores import (
    DAY,
    ORDER,
    SMALL,
    Row,
    checkerboard,
    colour,
    interactions,
    item_ids,
    recommender,
    shown,
)

ITEMS = Items.of(item_ids(40))
BLEND = replace(SMALL, minimum_groups=10**9)
LABELS, TEST = Window(40 * DAY, 50 * DAY), Window(50 * DAY, 60 * DAY)
KNOWN = ("customers", "session_starts", "history_ends", "timestamps", "context_items")


@cache
def plain(parameters: RecommendParameters = SMALL) -> Recommender:
    return recommender(checkerboard(), ITEMS, 60, parameters)


# Permuted labels.


def examples_of(window: Window, scenario: str) -> Examples:
    everything = interactions(checkerboard(), ITEMS)
    if scenario == "cold_session":
        return Examples.next_period(everything, window, ORDER)
    return Examples.next_item(everything, window, ORDER, seed=1)


def permuted(examples: Examples, random: np.random.Generator) -> Examples:
    """What was chosen stays; who chose it is drawn anew, for one half of each taste's choices from the other taste."""
    tastes = [random.permutation(np.flatnonzero(examples.customers % 2 == taste)) for taste in (0, 1)]
    order = np.empty(len(examples), np.int64)
    for mine, others in (tastes, tastes[::-1]):
        half = len(mine) // 2
        order[mine[:half]] = random.choice(others, half)
        order[mine[half:]] = random.choice(mine, len(mine) - half)
    return replace(examples, **{name: getattr(examples, name)[order] for name in KNOWN})


@cache
def pipeline_before(window: Window) -> CandidatePipeline:
    """Fitted on what came before the window, with the log of all sessions."""
    everything = interactions(checkerboard(), ITEMS)
    past, log = everything.before(window.start), SessionLog.of(everything)
    return CandidatePipeline.of(Retriever.fit(past, log, ITEMS, window.start, ORDER, SMALL))


def recall_after_learning_from(examples: Examples, scenario: str, seed: int) -> float:
    """Of what is chosen in the window after, the share among the first half of the shop."""
    groups = training_groups(pipeline_before(LABELS), examples, SMALL, seed, 1)
    ranker = train_ranker(groups, pipeline_before(LABELS).features.names, SMALL, seed, 1)
    past, later = interactions(checkerboard(), ITEMS).before(TEST.start), examples_of(TEST, scenario)
    evaluated = Recommender(pipeline_before(TEST), past, dict.fromkeys(SCENARIOS, ranker))
    found = evaluate(evaluated, later.where(later.has_history)).metrics["recall_at_20"]
    assert found is not None
    return found


@pytest.mark.parametrize("scenario", [SCENARIOS[0], pytest.param(SCENARIOS[1], marks=pytest.mark.slow)])
def test_permuted_labels_leave_what_chance_finds_and_true_ones_find_everything(scenario: str) -> None:
    labels = examples_of(LABELS, scenario)
    assert recall_after_learning_from(labels, scenario, seed=1) == 1.0
    by_chance = [
        recall_after_learning_from(permuted(labels, np.random.default_rng(seed)), scenario, seed) for seed in range(16)
    ]
    # Twenty of forty items are shown and popularity says nothing; one shuffle strays by .13 to .2, their mean by .05.
    assert abs(np.mean(by_chance) - 0.5) < 0.15


# Planted futures.


def fingerprint(fitted: Recommender) -> tuple[dict[str, bytes], list[str], list[object]]:
    """Every array, every ranker, and some answers."""
    arrays = {name: np.asarray(array).tobytes() for name, array in fitted.to_arrays().items()}
    customers = [fitted.histories.customers.value(place) for place in range(8)]
    queries = [Query(), *(Query(customer_id=customer, k=9) for customer in customers)]
    queries.append(Query(session=(SessionEvent("item-001"), SessionEvent("item-003")), k=9))
    return (
        arrays,
        [fitted.rankers[scenario].text for scenario in SCENARIOS],
        [fitted.recommend(query) for query in queries],
    )


def planted(first_day: float) -> list[Row]:
    """A crowd that buys across the tastes, from a day on."""
    return [
        (f"customer-{number:03d}", f"item-{item:03d}", "order", first_day + item / 1000)
        for number in range(40)
        for item in (1, 2, 3, 4)
    ]


def test_what_happens_at_the_moment_or_after_it_changes_nothing() -> None:
    for first_day in (60.0, 61.0):
        later = recommender(checkerboard() + planted(first_day), ITEMS, 60)
        assert fingerprint(later) == fingerprint(plain())


def test_what_happens_just_before_the_moment_changes_everything() -> None:
    """The control of the test above."""
    before = fingerprint(recommender(checkerboard() + planted(59.99), ITEMS, 60))
    assert [mine != theirs for mine, theirs in zip(fingerprint(plain()), before, strict=True)] == [True, True, True]
    second: Row = ("customer-000", "item-001", "order", 60 - 1 / DAY)
    assert fingerprint(recommender([*checkerboard(), second], ITEMS, 60)) != fingerprint(plain())


def test_no_source_is_fitted_on_the_future() -> None:
    everything = interactions(checkerboard(), ITEMS)
    latest = int(everything.times.max())
    with pytest.raises(AssertionError, match="future"):
        Retriever.fit(everything, SessionLog.of(everything), ITEMS, latest, ORDER, SMALL)
    Retriever.fit(everything, SessionLog.of(everything), ITEMS, latest + 1, ORDER, SMALL)


class Peeking:
    """A source that proposes what visits hold: those before the shopper's cutoff, or, sabotaged, those after it."""

    name: ClassVar[str] = "peeking"
    sees_the_future: ClassVar[bool] = False

    def __init__(self, log: SessionLog) -> None:
        self.log = log

    @classmethod
    def fit(cls, state: FitData) -> Self:
        return cls(state.log)

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (Column("peeked", limit=5),)

    def retrieve(self, shopper: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        cut = int(self.log.offsets[shopper.cutoff])
        seen = self.log.items[cut:] if self.sees_the_future else self.log.items[:cut]
        for item in seen[-50:].tolist():
            pool.scores[first, row_of(pool, item)] += 1.0

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {}


def is_blind_to_the_future() -> bool:
    """Whether training's features at a window's start are those of a log that ends there.

    No visit of the checkerboard runs past a midnight.
    """
    everything = interactions(checkerboard(), ITEMS)
    past, examples = everything.before(TEST.start), Examples.next_period(everything, TEST, ORDER)
    found = []
    for log in (SessionLog.of(everything), SessionLog.of(past)):
        fitted = CandidatePipeline.of(Retriever.fit(past, log, ITEMS, TEST.start, ORDER, SMALL))
        found.append(training_groups(fitted, examples, SMALL, seed=1, threads=1))
    mine, theirs = (group.features.tobytes() + group.labels.tobytes() for group in found)
    return mine == theirs


def test_the_log_of_later_visits_is_not_looked_at() -> None:
    assert is_blind_to_the_future()


@pytest.mark.parametrize("sees_the_future", [False, True])
def test_a_source_that_looks_past_the_cutoff_is_caught(sees_the_future: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Peeking, "sees_the_future", sees_the_future)
    monkeypatch.setattr(retriever_module, "SOURCES", (*retriever_module.SOURCES, Peeking))
    assert is_blind_to_the_future() == (not sees_the_future)


# One purchase more.

PAIR_COUNT = 20


def pairs() -> list[Row]:
    """Two hundred customers who now and then order an even item, and five days later the odd one that goes with it."""
    random = np.random.default_rng(2)
    rows: list[Row] = []
    for number in range(200):
        for day in np.flatnonzero(random.random(55) < 0.08):
            pair = int(random.integers(PAIR_COUNT))
            rows += [
                (f"c{number:03d}", f"item-{2 * pair + side:03d}", "order", day + 5 * side + 0.5) for side in (0, 1)
            ]
    return rows


def ranks(fitted: Recommender, history: list[Row]) -> np.ndarray:
    """The place of every item in the list of a customer with this history and no other."""
    known = Recommender(fitted.pipeline, interactions(history, ITEMS), fitted.rankers)
    found = shown(known.recommend(Query(customer_id="ann", k=40)))
    return np.argsort([int(item[-3:]) for item in found])


@pytest.mark.parametrize("parameters", [SMALL, BLEND], ids=["lambdamart", "blend"])
def test_a_bought_item_moves_what_goes_with_it_up_and_nothing_else(parameters: RecommendParameters) -> None:
    fitted = recommender(pairs(), ITEMS, 60, parameters)
    first: Row = ("ann", "item-000", "order", 20.0)
    before = ranks(fitted, [first])
    gained, others = [], []
    for pair in range(1, PAIR_COUNT):
        moved = before - ranks(fitted, [first, ("ann", f"item-{2 * pair:03d}", "order", 58.0)])
        gained.append(moved[2 * pair + 1])
        others.append(np.delete(moved, [2 * pair, 2 * pair + 1]).mean())
    assert np.mean(np.array(gained) > 0) > 0.9
    assert np.mean(gained) > 10  # of forty places
    assert np.mean(others) <= 0


# Names.


def renamed(rows: list[Row], items: dict[str, str], customers: dict[str, str]) -> list[Row]:
    return [(customers[customer], items[item], kind, day) for customer, item, kind, day in rows]


def names(keeps_order: bool) -> tuple[dict[str, str], dict[str, str]]:
    """New names of items and customers."""
    ids, customers = item_ids(40), [f"customer-{number:03d}" for number in range(80)]
    if keeps_order:
        return {item: f"a {item}!" for item in ids}, {customer: f"z{customer}" for customer in customers}
    random = np.random.default_rng(5)
    others = random.permutation([f"thing-{number}" for number in range(40)]).tolist()
    return dict(zip(ids, others, strict=True)), {customer: f"x{customer[::-1]}" for customer in customers}


def lists(fitted: Recommender, customers: list[str]) -> list[list[tuple[str, float]]]:
    """Each customer's whole list, with scores."""
    answers = [fitted.recommend(Query(customer_id=customer, k=40)).items for customer in customers]
    return [[(item.item_id, item.score) for item in items] for items in answers]


@pytest.mark.parametrize("parameters", [SMALL, BLEND], ids=["lambdamart", "blend"])
def test_names_in_the_same_order_change_nothing_at_all(parameters: RecommendParameters) -> None:
    items, customers = names(keeps_order=True)
    other = recommender(renamed(checkerboard(), items, customers), Items.of(list(items.values())), 60, parameters)
    mine = [[(items[item], score) for item, score in found] for found in lists(plain(parameters), list(customers))]
    assert mine == lists(other, list(customers.values()))


def by_score(found: list[tuple[str, float]]) -> list[tuple[float, set[str]]]:
    """The items of each score, best first; what ties may lie in any order."""
    groups: list[tuple[float, set[str]]] = []
    for item, score in found:
        if groups and abs(groups[-1][0] - score) < 1e-5:
            groups[-1][1].add(item)
        else:
            groups.append((score, {item}))
    return groups


def in_another_order(parameters: RecommendParameters) -> tuple[Recommender, dict[str, str], dict[str, str]]:
    items, customers = names(keeps_order=False)
    rows = renamed(checkerboard(), items, customers)
    return recommender(rows, Items.of(list(items.values())), 60, parameters), items, customers


def test_names_in_another_order_rank_alike() -> None:
    """Under the blend: what a trained model draws (negatives, first vectors), it draws by the order of the rows."""
    other, items, customers = in_another_order(BLEND)
    found = zip(lists(plain(BLEND), list(customers)), lists(other, list(customers.values())), strict=True)
    for mine, theirs in found:
        expected, got = by_score([(items[item], score) for item, score in mine]), by_score(theirs)
        assert [members for _, members in expected] == [members for _, members in got]
        np.testing.assert_allclose([score for score, _ in expected], [score for score, _ in got], atol=1e-5)


def test_under_names_in_another_order_the_same_tastes_are_learnt() -> None:
    other, items, customers = in_another_order(SMALL)
    old_name = {new: old for old, new in items.items()}
    for number, customer in enumerate(customers.values()):
        found = shown(other.recommend(Query(customer_id=customer, k=20)))
        assert {colour(old_name[item]) for item in found} == {number % 2}
