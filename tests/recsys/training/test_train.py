"""Training: which groups the rankers learn from, and what they learn."""

from dataclasses import replace

import pytest

from contracts.errors import NotEnoughData
from recsys.data.catalogue import Items
from recsys.ranking.ranker import SCENARIOS
from recsys.recommender import Recommender
from recsys.request import Query, SessionEvent
from recsys.training.time_split import Window
from recsys.training.train import fit_recommender
from tests.recsys.stores import (
    DAY,
    SMALL,
    Row,
    checkerboard,
    checkerboard_recommender,
    colour,
    interactions,
    item_ids,
    shown,
)

ITEMS = Items.of(item_ids(40), names=[f"Item {n}" for n in range(40)])
WINDOW = Window(50 * DAY, 60 * DAY)


@pytest.mark.parametrize("ranker", ["lambdamart", "blend"])
def test_the_checkerboard_is_solved_exactly(ranker: str) -> None:
    """Every item that a customer's own taste holds comes before every item of the other taste."""
    parameters = SMALL if ranker == "lambdamart" else replace(SMALL, minimum_groups=10**9)
    recommender = checkerboard_recommender(parameters)
    assert {recommender.rankers[scenario].name for scenario in SCENARIOS} == {ranker}
    for number in range(80):
        customer_id = f"customer-{number:03d}"
        found = shown(recommender.recommend(Query(customer_id=customer_id, k=20)))
        assert {colour(item) for item in found} == {number % 2}
        other_taste = tuple(SessionEvent(f"item-{1 - number % 2 + 2 * n:03d}") for n in range(2))
        in_session = shown(recommender.recommend(Query(session=other_taste, k=10)))
        assert {colour(item) for item in in_session} == {1 - number % 2}


def answers(recommender: Recommender) -> list[object]:
    customers = [recommender.histories.customers.value(n) for n in range(5)]
    return [recommender.recommend(Query(customer_id=customer, k=5)) for customer in customers]


def test_the_same_events_and_seed_give_the_same_recommender_with_any_number_of_threads() -> None:
    past = interactions(checkerboard(), ITEMS)
    first, second = checkerboard_recommender(), fit_recommender(past, ITEMS, 60 * DAY, SMALL, threads=3)
    assert [first.rankers[scenario].text for scenario in SCENARIOS] == [
        second.rankers[scenario].text for scenario in SCENARIOS
    ]
    assert answers(first) == answers(second)


def test_each_scenario_has_a_ranker_of_its_own() -> None:
    recommender = checkerboard_recommender()
    texts = [recommender.rankers[scenario].text for scenario in SCENARIOS]
    assert texts[0] != texts[1]
    assert all(recommender.ranker_groups[scenario] > SMALL.minimum_groups for scenario in SCENARIOS)


def test_earlier_windows_are_used_too_while_the_last_has_few_groups() -> None:
    many = checkerboard_recommender().ranker_groups  # fewer than enough
    few = checkerboard_recommender(replace(SMALL, enough_groups=1)).ranker_groups
    for scenario in SCENARIOS:
        assert many[scenario] > 1.5 * few[scenario]


def test_no_more_examples_are_taken_than_wanted() -> None:
    counts = checkerboard_recommender(replace(SMALL, training_cases=50)).ranker_groups
    assert all(20 <= counts[scenario] <= 50 for scenario in SCENARIOS)


def test_too_small_a_store_says_what_it_needs() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0)]
    with pytest.raises(NotEnoughData, match=r"at least 20 .* has 1"):
        fit_recommender(interactions(rows, ITEMS), ITEMS, 60 * DAY, SMALL, threads=1)
