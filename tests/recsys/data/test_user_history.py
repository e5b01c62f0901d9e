"""A user's aggregates, against a plain count of the same history."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.data.user_history import HALF_LIFE_DAYS, KIND_WEIGHTS, NEVER_DAYS, UserHistory
from tests.recsys.stores import CART, ORDER, VIEW, user

HISTORIES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 90).map(float)), max_size=25)
SESSIONS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=6)
Entry = tuple[int, int, float]


def test_touches_are_counted_per_item_in_the_order_of_their_first() -> None:
    aggregates = user([(5, VIEW, 9.0), (2, ORDER, 8.0), (5, ORDER, 3.0), (5, VIEW, 1.0)]).aggregates
    assert aggregates.items.tolist() == [5, 2]
    assert aggregates.counts.tolist() == [[2, 0, 1], [0, 0, 1]]
    assert aggregates.last_days.tolist() == [1, 8]
    assert aggregates.last_order_days.tolist() == [3, 8]


def test_what_was_never_ordered_has_no_last_order() -> None:
    assert user([(5, VIEW, 9.0), (5, CART, 8.0)]).aggregates.last_order_days.tolist() == [NEVER_DAYS]


def test_interest_is_the_kinds_weight_and_halves_with_age() -> None:
    aggregates = user([(1, ORDER, HALF_LIFE_DAYS), (1, VIEW, 0.0), (2, CART, 2 * HALF_LIFE_DAYS)]).aggregates
    order, cart, view = KIND_WEIGHTS[ORDER], KIND_WEIGHTS[CART], KIND_WEIGHTS[VIEW]
    assert aggregates.interest.tolist() == pytest.approx([order / 2 + view, cart / 4])


def test_the_session_counts_steps_back_from_the_item_in_view() -> None:
    aggregates = user([(1, VIEW, 9.0), (2, VIEW, 9.0)], session=[(3, VIEW), (1, VIEW), (3, CART)]).aggregates
    assert aggregates.items.tolist() == [1, 2, 3]
    assert aggregates.session_counts.tolist() == [1, 0, 2]
    assert aggregates.session_steps.tolist() == [1, NEVER_DAYS, 0]


def test_a_cold_start_user_and_a_session_are_told_apart() -> None:
    nobody, comer, former = user([]), user([], session=[(1, VIEW)]), user([(1, VIEW, 2.0)])
    assert [one.is_cold_start for one in (nobody, comer, former)] == [True, False, False]
    assert [one.in_session for one in (nobody, comer, former)] == [False, True, False]
    assert len(nobody.aggregates.items) == 0


@given(HISTORIES, SESSIONS)
def test_touches_agree_with_a_plain_count(history: list[Entry], session: list[tuple[int, int]]) -> None:
    history = sorted(history, key=lambda entry: -entry[2])
    found: UserHistory = user(history, session)
    entries = [*history, *((item, kind, 0.0) for item, kind in session)]
    aggregates = found.aggregates
    assert aggregates.items.tolist() == list(dict.fromkeys(item for item, _, _ in entries))
    for place, item in enumerate(aggregates.items.tolist()):
        own = [(kind, age) for other, kind, age in entries if other == item]
        assert aggregates.counts[place].tolist() == [sum(kind == k for kind, _ in own) for k in range(3)]
        assert aggregates.last_days[place] == min(age for _, age in own)
        weight = sum(KIND_WEIGHTS[kind] * 2 ** (-age / HALF_LIFE_DAYS) for kind, age in own)
        np.testing.assert_allclose(aggregates.interest[place], weight, rtol=1e-5)
        assert aggregates.session_counts[place] == sum(other == item for other, _ in session)


def test_what_is_derived_from_a_user_is_computed_once() -> None:
    computed: list[UserHistory] = []

    def size(asked: UserHistory) -> int:
        computed.append(asked)
        return len(asked.items)

    one, other = user([(0, VIEW, 1.0)]), user([(0, VIEW, 1.0), (1, VIEW, 0.0)])
    assert [one.derived(size), one.derived(size), other.derived(size)] == [1, 1, 2]
    assert len(computed) == 2
