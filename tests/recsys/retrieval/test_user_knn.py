"""Customer neighbours: cosines and graph steps that can be worked out by hand."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.retrieval.user_knn import MOST_OF_ITEM, NEIGHBOURS, SESSION_DECAY, UserKNN
from tests.recsys.stores import ORDER, SMALL, Row, item_ids, retrieved_scores, session, state, user

COUNT = 6
NOW = 900.0
Found = dict[str, dict[int, float]]


def fitted(rows: list[Row]) -> UserKNN:
    return UserKNN.fit(state(rows, Items.of(item_ids(COUNT)), NOW))


def bought(name: str, count: int, *items: int, day: float = 1.0) -> list[Row]:
    """`count` customers with one session each, a day after another."""
    return [row for n in range(count) for row in session(f"{name}-{n:03d}", day + n, *items, kind="order")]


def asked(source: UserKNN, *items: int, days: tuple[float, ...] = (), customer: int = -1) -> Found:
    """What is proposed to one who ordered the items, each that many days ago, else together yesterday."""
    history = [(item, ORDER, ago) for item, ago in zip(items, days or [1.0] * len(items), strict=True)]
    return retrieved_scores(source, user(history, customer=customer), COUNT)


def test_both_readings_are_as_worked_out_by_hand() -> None:
    source = fitted([*bought("a", 1, 0, 1), *bought("b", 1, 0)])
    found = asked(source, 0)
    shared, rare = np.log1p(2 / 3), np.log1p(2 / 2)  # two customers; the first item has both, the second one
    near, nearest = shared**2 / np.hypot(shared, rare), shared
    assert found["customers"] == pytest.approx({0: near + nearest, 1: near}, rel=1e-5)
    both, one = 2**-0.5 / 2**0.5, 2**-0.5  # each over the root of the item's customers, then of the customer's items
    assert found["random_walk"] == pytest.approx({0: (both + one) * 2**-0.3, 1: both}, rel=1e-5)


def test_who_shares_more_counts_more() -> None:
    source = fitted([*bought("near", 1, 0, 1, 2), *bought("far", 1, 0, 3, 4), *bought("none", 1, 5)])
    for column in asked(source, 0, 1).values():
        assert column[2] > column[3] == column[4] > 0
        assert 5 not in column


def test_a_customer_is_not_its_own_neighbour() -> None:
    source = fitted([*bought("a", 1, 0, 1), *bought("b", 1, 2)])
    assert asked(source, 0, customer=0) == {"customers": {}, "random_walk": {}}
    assert set(asked(source, 0)["customers"]) == {0, 1}
    assert asked(source, 0, customer=1) == asked(source, 0)


def test_recent_sessions_of_the_shopper_weigh_more() -> None:
    source = fitted([*bought("a", 1, 0, 2), *bought("b", 1, 1, 3)])
    for first, then, old, new in ((0, 1, 2, 3), (1, 0, 3, 2)):
        found = asked(source, first, then, days=(20.0, 1.0))
        for column in found.values():
            assert column[old] / column[new] == pytest.approx(SESSION_DECAY, rel=1e-5)
    for column in asked(source, 0, 1).values():  # in one session neither is older
        assert column[2] == pytest.approx(column[3])


def test_recent_sessions_of_the_neighbour_weigh_more() -> None:
    for early, late in ((2, 3), (3, 2)):
        source = fitted([*session("a", 1, 0, early, kind="order"), *session("a", 9, 0, late, kind="order")])
        found = asked(source, 0)
        assert found["customers"][early] / found["customers"][late] == pytest.approx(SESSION_DECAY, rel=1e-5)
        assert found["random_walk"][early] == pytest.approx(found["random_walk"][late])


def test_a_history_is_weighed_like_a_profile_once_per_session() -> None:
    source = fitted(
        [*session("a", 1, 0, kind="order"), *session("a", 5, 0, 0, 0, kind="order"), *session("a", 9, 0, kind="view")]
    )
    weight = 1 + SESSION_DECAY + SESSION_DECAY**2
    np.testing.assert_allclose(source.profiles.weights, [weight])
    rare = np.log1p(1 / 2)
    found = asked(source, 0, 0, 0, 0, 0, days=(9.0, 5.0, 5.0, 5.0, 1.0))
    assert found["customers"] == pytest.approx({0: weight * rare * weight}, rel=1e-5)


def test_a_session_under_way_is_a_session_of_its_own() -> None:
    source = fitted([*bought("a", 1, 0, 2), *bought("b", 1, 1, 3)])
    now = retrieved_scores(source, user([(0, ORDER, 0.001)], session=[(1, ORDER)]), COUNT)
    assert now["customers"][2] / now["customers"][3] == pytest.approx(SESSION_DECAY, rel=1e-5)


def test_what_everybody_has_is_damped_in_the_graph() -> None:
    source = fitted([*bought("a", 1, 0, 1, 2), *bought("b", 20, 2)])
    found = asked(source, 0)
    assert found["customers"][1] == found["customers"][2]
    assert found["random_walk"][1] > 2 * found["random_walk"][2] > 0


def test_of_an_item_that_many_have_the_latest_customers_are_read() -> None:
    early, late = bought("early", 20, 0, 1), bought("late", MOST_OF_ITEM, 0, 2, day=30.0)
    source = fitted([*early, *late])
    assert set(asked(source, 0)["random_walk"]) == {0, 2}
    source = fitted([*early, *late[: -3 * 20]])
    assert set(asked(source, 0)["random_walk"]) == {0, 1, 2}


def test_only_the_nearest_customers_speak() -> None:
    near, far = bought("near", NEIGHBOURS, 0, 1, 2), bought("far", 50, 0, 3)
    source = fitted([*near, *far])
    found = asked(source, 0, 1)
    assert 3 not in found["customers"]
    assert 3 in found["random_walk"]  # which reads more of them
    source = fitted([*near[:-3], *far])
    assert 3 in asked(source, 0, 1)["customers"]


def test_items_that_came_after_the_fit_do_no_harm() -> None:
    source = fitted([*bought("a", 1, 0, 1)])
    resized = source.resized(Items.of(item_ids(COUNT + 5)), state([], Items.of(item_ids(COUNT + 5)), NOW).counters)
    history = [(COUNT + 4, ORDER, 1.0), (0, ORDER, 1.0), (COUNT, ORDER, 1.0)]
    assert set(retrieved_scores(resized, user(history), COUNT + 5)["customers"]) == {0, 1}
    assert retrieved_scores(resized, user(history[:1]), COUNT + 5)["customers"] == {}


def test_a_request_leaves_nothing_behind_for_the_next() -> None:
    source = fitted([*bought("a", 3, 0, 1), *bought("b", 3, 0, 2), *bought("c", 3, 3, 4)])
    alone = asked(source, 0)
    asked(source, 3, 1)
    assert asked(source, 0) == alone
    assert asked(source, 3) != alone


def test_cold_start_users_and_an_empty_store_get_nothing() -> None:
    nothing: Found = {"customers": {}, "random_walk": {}}
    source = fitted(bought("a", 3, 0, 1))
    assert asked(source) == nothing
    source = fitted([])
    assert asked(source, 0) == nothing


def test_a_source_survives_its_arrays() -> None:
    source = fitted([*bought("a", 3, 0, 1), *bought("b", 3, 0, 2)])
    before = asked(source, 0, 2)
    read = UserKNN.from_arrays(source.to_arrays(), SMALL)
    assert asked(read, 0, 2) == before
