"""Each rule of a list on a shelf where the right list is known."""

from collections import Counter

import msgspec
import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.reranking.policy import Boost, Exploration, Pin, PlacementPolicy
from recsys.reranking.reranker import Slate
from tests.recsys.shelves import plain, reranked

EMPTY = PlacementPolicy()
AB = plain(8, categories=["a", "a", "a", "a", "b", "b", "b", None], brands=["x", "y", "x", "y", "x", "y", "z", None])


def shown(slate: Slate) -> list[int]:
    return list(slate.items.tolist())


def test_without_a_policy_the_best_scores_come_first() -> None:
    slate = reranked(plain(6), EMPTY, k=3, candidates=[4, 1, 5, 2], scores=[0.1, 0.9, 0.5, 0.7])
    assert shown(slate) == [1, 2, 5]
    assert slate.scores.tolist() == [0.9, 0.7, 0.5]
    assert slate.origins == ["ranked"] * 3
    assert slate.propensities == [None] * 3
    assert slate.fallbacks == []


def test_candidates_that_are_not_eligible_are_left_out_before_the_best_are_taken() -> None:
    assert shown(reranked(plain(6), EMPTY, k=3, eligible=[1, 3, 5])) == [1, 3, 5]


def test_a_short_list_is_filled_with_popular_and_then_with_any_items_below_all_scores() -> None:
    slate = reranked(plain(6), EMPTY, k=4, candidates=[5], scores=[-2.0], eligible=[1, 3, 4, 5], popular_count=2)
    assert shown(slate) == [5, 1, 3, 4]
    assert slate.origins == ["ranked", "popular", "any_item", "any_item"]
    assert slate.fallbacks == ["popular", "any_item"]
    assert slate.scores.tolist() == [-2, -3, -4, -5]


def test_without_candidates_and_without_items_there_is_still_an_answer() -> None:
    assert shown(reranked(plain(6), EMPTY, k=2, candidates=[])) == [0, 1]
    assert shown(reranked(plain(6), EMPTY, k=2, eligible=[])) == []


def test_pins_stand_at_their_positions_whether_or_not_they_were_proposed() -> None:
    policy = PlacementPolicy(pins=(Pin("item-005", 1), Pin("item-002", 4)))
    slate = reranked(plain(6), policy, k=4, candidates=[0, 1, 2, 3])
    assert shown(slate) == [5, 0, 1, 2]
    assert slate.origins == ["pinned", "ranked", "ranked", "pinned"]
    assert slate.scores[3] == -2  # of a pin that was slate, its score; another stands below all scores
    assert slate.scores[0] < slate.scores[1:].min()


def test_a_pin_that_may_not_be_shown_is_not_and_one_beyond_the_list_is_ranked_as_ever() -> None:
    policy = PlacementPolicy(pins=(Pin("item-001", 1), Pin("item-003", 4)))
    assert shown(reranked(plain(6), policy, k=3, eligible=[0, 2, 3, 4])) == [0, 2, 3]


def test_pins_beyond_the_end_of_a_short_list_come_last() -> None:
    policy = PlacementPolicy(pins=(Pin("item-001", 9), Pin("item-000", 8)))
    assert shown(reranked(plain(6), policy, k=10, eligible=[0, 1, 2, 3])) == [2, 3, 0, 1]


def test_a_boost_by_value_is_counted_in_standard_deviations_of_the_scores() -> None:
    items = plain(4, brands=["x", "y", "x", "y"])
    scores = [3.0, 2.0, 1.0, 0.0]
    unit = float(np.std(scores))
    boosted = reranked(items, PlacementPolicy(boosts=(Boost("brand", 1.5, "y"),)), k=4, scores=scores)
    assert shown(boosted) == [1, 0, 3, 2]
    assert boosted.scores[0] == pytest.approx(2 + 1.5 * unit)
    scaled = reranked(
        items, PlacementPolicy(boosts=(Boost("brand", 1.5, "y"),)), k=4, scores=[1000 * s + 7 for s in scores]
    )
    assert shown(scaled) == shown(boosted)


def test_a_boost_by_a_number_goes_by_rank_and_leaves_the_unknown_alone() -> None:
    items = type(AB).of([f"i{n}" for n in range(5)], price=np.array([9.0, 1.0, 1000.0, np.nan, 9.0]))
    unit = float(np.std([0, -1, -2, -3, -4]))
    slate = reranked(items, PlacementPolicy(boosts=(Boost("price", 1.0),)), k=5)
    moved = dict(zip(shown(slate), slate.scores.tolist(), strict=True))
    lifts = [(moved[item] + item) / unit for item in range(5)]
    assert lifts == pytest.approx([0, -1, 1, 0, 0], abs=1e-6)


def test_a_negative_weight_buries() -> None:
    policy = PlacementPolicy(boosts=(Boost("category", -10.0, "a"),))
    assert shown(reranked(AB, policy, k=4)) == [4, 5, 6, 7]


def test_caps_pass_over_what_is_too_much_of_one_value_and_never_count_the_unknown() -> None:
    slate = reranked(AB, PlacementPolicy(caps={"category": 2}), k=5)
    assert shown(slate) == [0, 1, 4, 5, 7]
    assert slate.fallbacks == []


def test_several_caps_hold_at_once() -> None:
    assert shown(reranked(AB, PlacementPolicy(caps={"category": 2, "brand": 1}), k=4)) == [0, 1, 6, 7]


def test_caps_hold_among_filled_items_too_and_are_relaxed_last_and_said() -> None:
    policy = PlacementPolicy(caps={"category": 1})
    slate = reranked(AB, policy, k=5, candidates=[0, 3])
    assert shown(slate) == [0, 4, 7, 3, 1]
    assert slate.origins == ["ranked", "popular", "popular", "ranked", "popular"]
    assert "caps_relaxed" in slate.fallbacks
    assert "caps_relaxed" not in reranked(AB, policy, k=3, candidates=[0, 3]).fallbacks


def test_pins_count_towards_the_caps_but_are_not_kept_away_by_them() -> None:
    policy = PlacementPolicy(caps={"category": 1}, pins=(Pin("item-001", 1), Pin("item-002", 2)))
    assert shown(reranked(AB, policy, k=4)) == [1, 2, 4, 7]


def test_diversity_costs_each_further_candidate_of_a_category() -> None:
    strong, weak = PlacementPolicy(diversity=10.0), PlacementPolicy(diversity=0.01)
    assert shown(reranked(AB, strong, k=8)) == [0, 4, 7, 1, 5, 2, 6, 3]
    assert shown(reranked(AB, weak, k=8)) == list(range(8))
    unknown = plain(4, categories=[None] * 4)
    assert shown(reranked(unknown, strong, k=4)) == [0, 1, 2, 3]


def test_too_few_items_are_shown_and_said() -> None:
    policy = PlacementPolicy(minimum_items=3)
    assert reranked(plain(6), policy, eligible=[1, 2]).fallbacks == ["too_few_items"]
    assert reranked(plain(6), policy, eligible=[1, 2, 3]).fallbacks == []
    assert reranked(plain(6), policy, k=2).fallbacks == []  # no more were asked for


EXPLORING = PlacementPolicy(exploration=Exploration((2, 4), 5), caps={"category": 3})
EXPLORED = plain(20, categories=["a"] * 6 + ["b"] * 6 + [None] * 8)


def test_without_a_seed_nothing_is_explored() -> None:
    slate = reranked(EXPLORED, EXPLORING)
    assert shown(slate) == [0, 1, 2, 6, 7]
    assert slate.propensities == [None] * 5


def test_only_the_places_of_exploration_are_drawn_and_the_same_seed_draws_the_same() -> None:
    lists = {tuple(shown(reranked(EXPLORED, EXPLORING, seed=seed))) for seed in range(50)}
    assert len({(a, c, e) for a, _, c, _, e in lists}) == 1
    assert len(lists) > 10
    again = [shown(reranked(EXPLORED, EXPLORING, seed=3)) for _ in range(2)]
    assert again[0] == again[1]


def off_by(drawn: list[tuple[int, int, float]], draws: int) -> list[tuple[int, int]]:
    """Of (place, item, propensity) logged in so many lists, where frequencies are too far from the propensities."""
    said = {(place, item): propensity for place, item, propensity in drawn}
    counts = Counter((place, item) for place, item, _ in drawn)
    sd = {key: np.sqrt(p * (1 - p) / draws) for key, p in said.items()}
    return [key for key, p in said.items() if abs(counts[key] / draws - p) > 4.5 * sd[key]]


def drawn_lists(draws: int) -> list[tuple[int, int, float]]:
    lists = [reranked(EXPLORED, EXPLORING, seed=seed) for seed in range(draws)]
    return [
        (place, item, propensity)
        for slate in lists
        for place, (item, propensity) in enumerate(zip(shown(slate), slate.propensities, strict=True))
        if propensity is not None
    ]


def test_propensities_are_the_frequencies_and_sum_to_one_on_each_place() -> None:
    draws = 2_000
    drawn = drawn_lists(draws)
    assert off_by(drawn, draws) == []
    sums = {place: sum(p for at, _, p in set(drawn) if at == place) for place in (1, 3)}
    assert sums == pytest.approx({1: 1.0, 3: 1.0})


def test_a_wrong_propensity_is_caught() -> None:
    """The control: had the pool been taken for one larger, or conditioned on the first draw, the check would say so."""
    draws = 2_000
    drawn = drawn_lists(draws)
    assert off_by([(place, item, p / (1 + p)) for place, item, p in drawn], draws)
    assert off_by([(place, item, p / (1 - p) if place == 3 else p) for place, item, p in drawn], draws)


def test_a_small_pool_leaves_the_other_places_to_ranking_and_filling() -> None:
    policy = PlacementPolicy(exploration=Exploration((2, 3), 9))
    slate = reranked(plain(6), policy, k=4, candidates=[3, 4, 5], seed=1)
    assert shown(slate) == [3, 5, 4, 0]
    assert slate.origins == ["ranked", "explored", "ranked", "popular"]
    assert slate.propensities == [None, 1.0, None, None]
    assert reranked(plain(6), policy, k=4, candidates=[], seed=1).propensities == [None] * 4


def test_a_pinned_place_is_not_explored() -> None:
    policy = PlacementPolicy(exploration=Exploration((1,), 9), pins=(Pin("item-004", 1),))
    assert {tuple(shown(reranked(plain(9), policy, k=3, seed=seed))) for seed in range(20)} == {(4, 0, 1)}


def running_out(size: int, *places: int) -> Items:
    alert = {"inventory_alert": "runs_out_before_delivery"}
    return Items.of(
        [f"item-{n:03d}" for n in range(size)], attributes=[alert if n in places else {} for n in range(size)]
    )


def test_what_is_running_out_keeps_the_place_that_it_earns() -> None:
    assert shown(reranked(running_out(6, 0, 2), EMPTY, k=3)) == [0, 1, 2]


def test_what_is_running_out_is_never_explored() -> None:
    policy = PlacementPolicy(exploration=Exploration(places=(2,), pool=3))
    drawn = {shown(reranked(running_out(8, 2, 3), policy, k=3, seed=seed))[1] for seed in range(60)}
    assert drawn == {4, 5, 6}
    assert {shown(reranked(plain(8), policy, k=3, seed=seed))[1] for seed in range(60)} == {2, 3, 4}  # the control
    pushing = msgspec.structs.replace(policy, push_running_out=True)
    assert {shown(reranked(running_out(8, 2, 3), pushing, k=3, seed=seed))[1] for seed in range(60)} == {2, 3, 4}
    slate = reranked(running_out(8, 2, 3), policy, k=3, seed=1)
    assert slate.propensities[1] == 1 / 3


def test_where_all_that_could_be_explored_is_running_out_the_place_is_filled() -> None:
    policy = PlacementPolicy(exploration=Exploration(places=(3,), pool=5))
    slate = reranked(running_out(6, 2, 3, 4), policy, k=3, candidates=[0, 1, 2, 3], seed=1)
    assert shown(slate) == [0, 1, 5]
    assert slate.propensities == [None] * 3


def test_what_is_running_out_fills_a_place_only_where_nothing_else_can() -> None:
    items = running_out(5, 0, 1)
    assert shown(reranked(items, EMPTY, k=3, candidates=[4])) == [4, 2, 3]
    assert shown(reranked(items, EMPTY, k=5, candidates=[4])) == [4, 2, 3, 0, 1]
    assert shown(reranked(items, msgspec.structs.replace(EMPTY, push_running_out=True), k=3, candidates=[4])) == [
        4,
        0,
        1,
    ]


def test_a_pin_of_what_is_running_out_stands() -> None:
    policy = PlacementPolicy(pins=(Pin("item-003", 1),))
    assert shown(reranked(running_out(6, 3), policy, k=3)) == [3, 0, 1]


def test_caps_hold_before_what_is_running_out_is_left_out() -> None:
    alert = {"inventory_alert": "runs_out_before_delivery"}
    items = Items.of(list("abcd"), categories=["x", "x", "x", "y"], attributes=[{}, {}, {}, alert])
    policy = PlacementPolicy(caps={"category": 1})
    slate = reranked(items, policy, k=2, candidates=[0])
    assert shown(slate) == [0, 3]
    assert slate.fallbacks == ["popular"]
