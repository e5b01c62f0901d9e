import re

import numpy as np
import pytest

from recsys.applied_policy import AppliedPolicy, applied_policies
from recsys.items import Items
from recsys.policy import Boost, Cap, Pin, PlacementPolicy, Policy
from recsys.query import PLACEMENTS

ITEMS = Items.of(
    list("abcd"),
    categories=["x", "x", "y", None],
    attributes=[{"margin": 1, "colour": "red"}, {"margin": 5}, {"margin": 900}, {}],
)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (PlacementPolicy(attributes=(("weight", ("7",)),)), "attribute 'weight' is not in the catalogue, which has "),
        (PlacementPolicy(attributes=(("colour", ("grey",)),)), "no item of the catalogue has colour grey"),
        (PlacementPolicy(categories=("z",)), "has category z: nothing passes"),
        (PlacementPolicy(exclude_categories=("z",)), "has category 'z': excluding it does nothing"),
        (PlacementPolicy(exclude_brands=("z",)), "has brand 'z': excluding it does nothing"),
        (PlacementPolicy(exclude_items=("z",)), "item 'z' is not in the catalogue"),
        (PlacementPolicy(pins=(Pin("z", 1),)), "item 'z' is not in the catalogue"),
        (PlacementPolicy(caps=(Cap("weight", 1),)), "attribute 'weight' .*: the cap does nothing"),
        (PlacementPolicy(boosts=(Boost("colour", 1.0),)), "number 'colour' .*: the boost does nothing"),
        (PlacementPolicy(boosts=(Boost("weight", 1.0, "7"),)), "attribute 'weight' .*: the boost does nothing"),
    ],
)
def test_a_name_that_the_catalogue_does_not_have_is_said(policy: PlacementPolicy, said: str) -> None:
    (problem,) = AppliedPolicy.of(policy, ITEMS).problems
    assert re.search(said, problem)


def test_names_that_it_has_are_no_problem() -> None:
    policy = PlacementPolicy(
        categories=("x",),
        exclude_categories=("y",),
        attributes=(("colour", ("red",)),),
        pins=(Pin("a", 1),),
        boosts=(Boost("margin", 1.0), Boost("colour", 1.0, "red"), Boost("stock", 1.0)),
        caps=(Cap("brand", 1), Cap("margin", 1)),
    )
    assert AppliedPolicy.of(policy, ITEMS).problems == ()


def test_boosts_add_up_and_numbers_count_by_rank() -> None:
    policy = PlacementPolicy(boosts=(Boost("margin", 2.0), Boost("colour", 0.5, "red")))
    assert AppliedPolicy.of(policy, ITEMS).boosts == pytest.approx(np.array([-1.5, 0.0, 2.0, 0.0]))
    alike = Items.of(list("ab"), price=np.array([3.0, 3.0]))
    assert AppliedPolicy.of(PlacementPolicy(boosts=(Boost("price", 1.0),)), alike).boosts == pytest.approx([0, 0])


def test_placements_of_one_policy_share_it() -> None:
    cart = PlacementPolicy(bought="never")
    applied = applied_policies(Policy(placements={"cart": cart}), ITEMS)
    assert set(applied) == set(PLACEMENTS)
    assert applied["cart"].policy == cart
    assert len({id(policy) for policy in applied.values()}) == 2


def test_an_empty_catalogue_has_a_policy() -> None:
    applied = AppliedPolicy.of(PlacementPolicy(boosts=(Boost("price", 1.0),), caps=(Cap("brand", 1),)), Items.of([]))
    assert applied.allowed.tolist() == []
