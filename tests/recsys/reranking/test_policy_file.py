"""The policy file: what is stated arrives, what is wrong is refused in words, what is documented can be read."""

import re
from pathlib import Path

import pytest

from contracts.errors import SettingsError
from recsys.request import PLACEMENTS
from recsys.reranking.policy import Boost, Exploration, Pin, PlacementPolicy, Policy
from recsys.reranking.policy_file import parse_policy, read_policy

ROOT = Path(__file__).parents[3]


def test_an_empty_file_decides_nothing() -> None:
    assert parse_policy("") == Policy()
    assert all(Policy().placement(name) == PlacementPolicy() for name in PLACEMENTS)


def test_every_key_arrives() -> None:
    stated = parse_policy("""
        [cart]
        in_stock_only = true
        categories = ["tea"]
        brands = ["acme"]
        attributes = { colour = ["red", "green"] }
        exclude_items = ["a"]
        exclude_categories = ["gifts"]
        exclude_brands = ["other"]
        bought = "never"
        caps = { category = 3 }
        diversity = 0.5
        minimum_items = 4
        push_running_out = true
        exploration = { places = [2, 5], pool = 7 }
        [[cart.pins]]
        item = "b"
        position = 2
        [[cart.boosts]]
        attribute = "margin"
        weight = -1
        [[cart.boosts]]
        attribute = "colour"
        weight = 0.5
        equals = "red"
    """)
    assert stated.placement("cart") == PlacementPolicy(
        in_stock_only=True,
        categories=("tea",),
        brands=("acme",),
        attributes={"colour": ("red", "green")},
        exclude_items=("a",),
        exclude_categories=("gifts",),
        exclude_brands=("other",),
        bought="never",
        pins=(Pin("b", 2),),
        boosts=(Boost("margin", -1.0), Boost("colour", 0.5, "red")),
        caps={"category": 3},
        diversity=0.5,
        minimum_items=4,
        push_running_out=True,
        exploration=Exploration((2, 5), 7),
    )
    assert stated.placement("similar") == PlacementPolicy()


def test_a_placement_states_what_differs_from_the_default() -> None:
    policy = parse_policy('[default]\ndiversity = 1\nbought = "when_due"\n[cart]\ndiversity = 2\n')
    assert (policy.placement("cart").diversity, policy.placement("cart").bought) == (2, "when_due")
    assert (policy.placement("popular").diversity, policy.placement("popular").bought) == (1, "when_due")


def test_what_was_bought_may_be_hidden_everywhere_but_where_it_is_all_there_is() -> None:
    policy = parse_policy('[default]\nbought = "never"\n[buy_again]\nbought = "when_due"\n')
    assert (policy.placement("for_you").bought, policy.placement("buy_again").bought) == ("never", "when_due")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[basket]\n", "basket: there is no such field; allowed are default, for_you"),
        ("diversity = 1\n", "diversity: there is no such field"),
        ("default = 1\n", "default: expected `object`, got `int`"),
        ("[cart]\ndiversty = 1\n", "cart.diversty: there is no such field; allowed are in_stock_only"),
        ('[cart]\nin_stock_only = "yes"\n', "cart.in_stock_only: 'yes' was given; expected `bool`"),
        ('[cart]\nbrands = "acme"\n', "cart.brands: expected `array`"),
        ("[cart]\nbrands = [1]\n", "cart.brands.0: expected `str`"),
        ('[cart]\nbrands = [""]\n', "cart.brands.0: expected `str` of length >= 1"),
        ('[cart]\nbought = "sometimes"\n', "cart.bought: 'sometimes' was given; allowed are never, ranked, when_due"),
        ('[cart]\ndiversity = "much"\n', "cart.diversity: 'much' was given; expected `float`"),
        ("[cart]\ndiversity = nan\n", "cart.diversity: nan was given; expected `float` >= 0"),
        ("[cart]\ndiversity = -1\n", "cart.diversity: -1 was given; expected `float` >= 0"),
        ("[cart]\ndiversity = 101\n", "cart.diversity: 101 was given; expected `float` <= 100"),
        ("[cart]\nminimum_items = 1.5\n", "cart.minimum_items: 1.5 was given; expected `int`"),
        ("[cart]\nminimum_items = true\n", "cart.minimum_items: True was given; expected `int`"),
        ("[cart]\ncaps = { category = 0 }\n", "cart.caps.category: 0 was given; expected `int` >= 1"),
        ("[cart]\ncaps = 3\n", "cart.caps: expected `object`"),
        ('[cart]\nattributes = { colour = "red" }\n', "cart.attributes.colour: expected `array`"),
        ("[cart]\npins = 1\n", "cart.pins: expected `array`"),
        ('[[cart.pins]]\nitem = "a"\n', "cart.pins.0.position: this field is needed"),
        ('[[cart.pins]]\nitem = "a"\nposition = 0\n', "cart.pins.0.position: 0 was given; expected `int` >= 1"),
        ('[[cart.pins]]\nitem = "a"\nposition = 1\nfor = "x"\n', "cart.pins.0.for: there is no such field"),
        ("[cart]\npins = [{item='a', position=1}, {item='b', position=1}]\n", "cart: pin positions are 1, 1; each may"),
        ("[cart]\npins = [{item='a', position=1}, {item='a', position=2}]\n", "cart: pinned items are a, a; each may"),
        ("[cart]\nboosts = [{attribute='margin', weight=inf}]\n", "cart.boosts.0.weight: inf was given"),
        ("[cart]\nexploration = { places = [0] }\n", "cart.exploration.places.0: 0 was given; expected `int` >= 1"),
        ("[cart]\nexploration = { places = [1, 1] }\n", "cart.exploration: exploration places are 1, 1; each may"),
        ("[cart]\nexploration = { places = [1, 2], pool = 1 }\n", "exploration pool is 1; at least 2"),
        ("[cart]\nexploration = { places = 4 }\n", "cart.exploration.places: expected `array`"),
        (
            "[cart]\ndiversity = -1\n[popular]\nbrands = 1\n",
            "cart.diversity: -1 was .*; popular.brands: ",
        ),
        ('[default]\nbought = "never"\n', "'never' in buy_again, which shows nothing else"),
        ("[cart\n", "is not TOML"),
        ("brands = " + "[" * 5000 + "]" * 5000, "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        parse_policy(text, "shop.toml")
    assert "shop.toml" in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the policy file .*nowhere\.toml"):
        read_policy(tmp_path / "nowhere.toml")


def test_the_shipped_file_is_one() -> None:
    assert read_policy(ROOT / "config" / "policy.toml").placement("for_you").boosts[0] == Boost("margin", 0.3)


def test_the_examples_of_the_documentation_are_policies_and_name_every_key() -> None:
    text = (ROOT / "docs" / "policy.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 4
    assert all(parse_policy(example) != Policy() for example in examples)
    assert [name for name in PlacementPolicy.__struct_fields__ if f"`{name}`" not in text] == []
    assert [name for name in PLACEMENTS if f"`{name}`" not in text] == []
