"""What a policy refuses, and which attributes it needs."""

from collections.abc import Callable

import pytest

from contracts.errors import SettingsError
from recsys.reranking.policy import Boost, Exploration, Pin, PlacementPolicy, Policy

STOCK_SIGNALS = {"inventory_alert", "stock_on_hand"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Exploration((2, 2)), "exploration places are 2, 2; each may be given once"),
        (lambda: Exploration((1, 2), pool=1), "pool is 1; at least 2"),
        (lambda: PlacementPolicy(pins=(Pin("a", 1), Pin("a", 2))), "pinned items are a, a"),
        (lambda: PlacementPolicy(pins=(Pin("a", 1), Pin("b", 1))), "pin positions are 1, 1"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_placements_are_known_and_buy_again_may_show_bought_items() -> None:
    with pytest.raises(SettingsError, match="unknown placements attic; allowed are for_you"):
        Policy(placements={"attic": PlacementPolicy()})
    with pytest.raises(SettingsError, match="'never' in buy_again"):
        Policy(default=PlacementPolicy(bought="never"))
    assert Policy(PlacementPolicy(bought="never"), {"buy_again": PlacementPolicy()}).placement("cart").bought == "never"


def test_the_default_holds_where_a_placement_has_no_policy_of_its_own() -> None:
    own, default = PlacementPolicy(diversity=1.0), PlacementPolicy(minimum_items=3)
    policy = Policy(default, {"cart": own})
    assert policy.placement("cart") is own
    assert policy.placement("similar") is default


def test_attributes_are_those_of_every_rule() -> None:
    boosting = PlacementPolicy(boosts=(Boost("margin", 1.0),), caps={"brand": 2})
    policy = Policy(boosting, {"cart": PlacementPolicy(attributes={"colour": ("red",)})})
    assert policy.attribute_names == {"margin", "brand", "colour"} | STOCK_SIGNALS
