import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.request import Filters
from recsys.reranking.compiled_policy import CompiledPolicy
from recsys.reranking.eligibility import eligible_items, suppressed_purchases
from recsys.reranking.policy import PlacementPolicy
from tests.recsys.shelves import NOW

ITEMS = Items.of(
    list("abcdef"),
    categories=["x", "x", "y", "y", None, None],
    brands=["m", "n", "m", None, "n", "m"],
    price=np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan]),
    stock=np.array([0.0, 1.0, np.nan, 2.0, 3.0, 4.0]),
    available_from=np.array([0, 0, 0, 0, NOW, NOW + 1]),
    attributes=[{"colour": "red"}, {"colour": "red"}, {"colour": "green"}, {}, {"size": 7}, {"size": 8}],
)
EVERYTHING = PlacementPolicy()


def shown(filters: Filters = Filters(), policy: PlacementPolicy = EVERYTHING, hidden: str = "", now: int = NOW) -> str:
    places = ITEMS.ids.indices(list(hidden))
    eligible = eligible_items(ITEMS, filters, CompiledPolicy.of(policy, ITEMS), now, places)
    return "".join(ITEMS.ids.value(place) for place in np.flatnonzero(eligible).tolist())


def test_stock_and_launch_decide_where_nothing_is_asked() -> None:
    assert shown() == "bcde"
    assert shown(now=NOW - 1) == "bcd"
    assert shown(now=NOW + 1) == "bcdef"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(in_stock_only=False), "abcde"),
        (Filters(price_min=3.0), "cde"),
        (Filters(price_max=3.0), "bc"),
        (Filters(categories=("y", "nowhere")), "cd"),
        (Filters(categories=("nowhere",)), ""),
        (Filters(brands=("n",)), "be"),
        (Filters(attributes={"colour": ("red", "green")}), "bc"),
        (Filters(attributes={"colour": ("red",), "size": ("7",)}), ""),
        (Filters(attributes={"size": ("7.0",)}), "e"),
        (Filters(attributes={"size": ()}), "bcde"),
        (Filters(attributes={"weight": ("7",)}), ""),
        (Filters(exclude_items=("b",), exclude_known=True), "bcde"),  # which only the caller knows: `hidden`
    ],
)
def test_a_question_filters(filters: Filters, expected: str) -> None:
    assert shown(filters) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (PlacementPolicy(in_stock_only=True), "bcde"),
        (PlacementPolicy(categories=("x",)), "ab"),
        (PlacementPolicy(brands=("m",)), "ac"),
        (PlacementPolicy(attributes={"colour": ("red",)}), "ab"),
        (PlacementPolicy(attributes={"weight": ("7",)}), ""),
        (PlacementPolicy(exclude_items=("a", "zzz")), "bcde"),
        (PlacementPolicy(exclude_categories=("x",)), "cde"),
        (PlacementPolicy(exclude_brands=("m", "zzz")), "bde"),
    ],
)
def test_a_policy_filters_whatever_the_question_says(policy: PlacementPolicy, expected: str) -> None:
    assert shown(Filters(in_stock_only=False), policy) == expected


def test_hidden_items_are_hidden_from_one_question_only() -> None:
    policy, filters = CompiledPolicy.of(EVERYTHING, ITEMS), Filters(brands=("m",))
    first = eligible_items(ITEMS, filters, policy, NOW, np.array([2]))
    second = eligible_items(ITEMS, filters, policy, NOW, np.array([], np.int64))
    second_again = second.copy()
    second[:] = False
    third = eligible_items(ITEMS, filters, policy, NOW, np.array([], np.int64))
    assert np.flatnonzero(first).tolist() == []
    assert np.flatnonzero(second_again).tolist() == np.flatnonzero(third).tolist() == [2]


def test_a_policy_serves_the_catalogue_that_it_was_applied_to() -> None:
    other = CompiledPolicy.of(EVERYTHING, Items.of(["a"]))
    with pytest.raises(AssertionError, match="another catalogue"):
        eligible_items(ITEMS, Filters(), other, NOW, np.array([], np.int64))


@pytest.mark.parametrize(("bought", "hidden"), [("ranked", []), ("never", [4, 2, 7]), ("when_due", [2, 7])])
def test_a_purchase_is_hidden_until_it_is_due(bought: str, hidden: list[int]) -> None:
    since, interval = np.array([30.0, 29.0, 500.0]), np.array([30.0, 30.0, np.nan])
    assert suppressed_purchases(bought, np.array([4, 2, 7]), since, interval).tolist() == hidden
