import re

import msgspec
import numpy as np
import pytest

from recsys.data.attributes import Attributes
from recsys.data.catalogue import Items
from recsys.request import PLACEMENTS, Filters
from recsys.reranking.compiled_policy import CompiledPolicy, compiled_policies
from recsys.reranking.policy import Boost, Pin, PlacementPolicy, Policy

ITEMS = Items.of(
    list("abcd"),
    categories=["x", "x", "y", None],
    attributes=[{"margin": 1, "colour": "red"}, {"margin": 5}, {"margin": 900}, {}],
)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (PlacementPolicy(attributes={"weight": ("7",)}), "attribute 'weight' is not in the catalogue, which has "),
        (PlacementPolicy(attributes={"colour": ("grey",)}), "no item of the catalogue has colour grey"),
        (PlacementPolicy(categories=("z",)), "has category z: nothing passes"),
        (PlacementPolicy(exclude_categories=("z",)), "has category 'z': excluding it does nothing"),
        (PlacementPolicy(exclude_brands=("z",)), "has brand 'z': excluding it does nothing"),
        (PlacementPolicy(exclude_items=("z",)), "item 'z' is not in the catalogue"),
        (PlacementPolicy(pins=(Pin("z", 1),)), "item 'z' is not in the catalogue"),
        (PlacementPolicy(caps={"weight": 1}), "attribute 'weight' .*: the cap does nothing"),
        (PlacementPolicy(boosts=(Boost("colour", 1.0),)), "number 'colour' .*: the boost does nothing"),
        (PlacementPolicy(boosts=(Boost("weight", 1.0, "7"),)), "attribute 'weight' .*: the boost does nothing"),
    ],
)
def test_a_name_that_the_catalogue_does_not_have_is_said(policy: PlacementPolicy, said: str) -> None:
    (problem,) = CompiledPolicy.of(policy, ITEMS).problems
    assert re.search(said, problem)


def test_names_that_it_has_are_no_problem() -> None:
    policy = PlacementPolicy(
        categories=("x",),
        exclude_categories=("y",),
        attributes={"colour": ("red",)},
        pins=(Pin("a", 1),),
        boosts=(Boost("margin", 1.0), Boost("colour", 1.0, "red"), Boost("stock", 1.0)),
        caps={"brand": 1, "margin": 1},
    )
    assert CompiledPolicy.of(policy, ITEMS).problems == ()


def test_boosts_add_up_and_numbers_count_by_rank() -> None:
    policy = PlacementPolicy(boosts=(Boost("margin", 2.0), Boost("colour", 0.5, "red")))
    assert CompiledPolicy.of(policy, ITEMS).boosts == pytest.approx(np.array([-1.5, 0.0, 2.0, 0.0]))
    alike = Items.of(list("ab"), price=np.array([3.0, 3.0]))
    assert CompiledPolicy.of(PlacementPolicy(boosts=(Boost("price", 1.0),)), alike).boosts == pytest.approx([0, 0])


def test_placements_of_one_policy_share_it() -> None:
    cart = PlacementPolicy(bought="never")
    applied = compiled_policies(Policy(placements={"cart": cart}), ITEMS)
    assert set(applied) == set(PLACEMENTS)
    assert applied["cart"].policy == cart
    assert len({id(policy) for policy in applied.values()}) == 2


def test_an_empty_catalogue_has_a_policy() -> None:
    applied = CompiledPolicy.of(PlacementPolicy(boosts=(Boost("price", 1.0),), caps={"brand": 1}), Items.of([]))
    assert applied.allowed.tolist() == []


ALERTS = [{"inventory_alert": "runs_out_before_delivery"}, {"inventory_alert": "overstock"}, {}, {}]
FAVOURED = PlacementPolicy(boosts=(Boost("category", 2.0, "x"), Boost("margin", 1.0)))
COLUMNS = Attributes.of_columns(
    {"overstock_units": np.array([0.0, 9, 3]), "stock_on_hand": np.array([2.0, 9, 4])},
    {"inventory_alert": ["runs_out_before_delivery", "overstock", None]},
    size=3,
)


def test_what_is_running_out_gains_nothing_but_may_lose() -> None:
    alerting = Items.of(list("abcd"), categories=["x", "x", "y", "y"], attributes=ALERTS)
    applied = CompiledPolicy.of(FAVOURED, alerting)
    assert applied.low_stock.tolist() == [0]
    assert applied.boosts == pytest.approx(np.array([0, 2, 0, 0]))
    buried = PlacementPolicy(boosts=(Boost("category", -1.0, "x"),))
    assert CompiledPolicy.of(buried, alerting).boosts == pytest.approx(np.array([-1, -1, 0, 0]))
    pushing = msgspec.structs.replace(FAVOURED, push_running_out=True)
    assert CompiledPolicy.of(pushing, alerting).low_stock.tolist() == []
    assert CompiledPolicy.of(pushing, alerting).boosts == pytest.approx(np.array([2, 2, 0, 0]))


def test_columns_beside_the_catalogue_can_be_named_by_a_policy_and_by_no_question() -> None:
    policy = PlacementPolicy(boosts=(Boost("overstock_units", 1.0),), attributes={"inventory_alert": ("overstock",)})
    applied = CompiledPolicy.of(policy, ITEMS, columns=COLUMNS)
    assert applied.boosts == pytest.approx(np.array([-1, 1, 0, 0]))  # the fourth item came later
    assert applied.allowed.tolist() == [False, True, False, False]
    assert applied.problems == ()
    question = Filters(attributes={"inventory_alert": ("overstock",)})
    assert not applied.masks.of(question).any()
    assert not CompiledPolicy.of(policy, ITEMS).allowed.any()  # the control: nobody knows of it


def test_what_came_in_since_is_no_longer_running_out() -> None:
    def low_stock(stock: float) -> list[int]:
        items = Items.of(list("abcd"), stock=np.array([stock, 9, 4, np.nan]))
        return CompiledPolicy.of(PlacementPolicy(), items, columns=COLUMNS).low_stock.tolist()

    assert low_stock(2) == low_stock(1) == low_stock(np.nan) == [0]
    assert low_stock(30) == []
