"""Examples: what was known at a time in the past, and what the customer chose next."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.training.examples import Examples
from recsys.training.time_split import Window
from tests.recsys.stores import DAY, ORDER, VIEW, Row, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(8))
WINDOW = Window(100 * DAY, 110 * DAY)
MINUTE = 1 / 24 / 60


def targets(examples: Examples) -> list[list[int]]:
    return [examples.targets_of(example).tolist() for example in range(len(examples))]


def users(examples: Examples, limit: int = 300) -> list[UserHistory]:
    log = SessionLog.of(examples.interactions)
    return [examples.user(example, log, limit) for example in range(len(examples))]


def session_of(name: str, start: float) -> list[Row]:
    """Looks at 0, then 1, then 2, and orders 1 and 3."""
    return [
        (name, "item-000", "view", start),
        (name, "item-001", "view", start + 1 * MINUTE),
        (name, "item-002", "view", start + 2 * MINUTE),
        (name, "item-001", "order", start + 3 * MINUTE),
        (name, "item-003", "order", start + 3 * MINUTE),
    ]


def next_period(rows: list[Row], kind: int = ORDER) -> Examples:
    return Examples.next_period(interactions(rows, ITEMS), WINDOW, kind)


def next_item(rows: list[Row], kind: int, seed: int = 1) -> Examples:
    return Examples.next_item(interactions(rows, ITEMS), WINDOW, kind, seed)


def test_targets_of_the_next_period_are_what_was_chosen_inside_the_window() -> None:
    rows: list[Row] = [
        ("a", "item-000", "order", 99.0),
        ("a", "item-001", "order", 100.0),
        ("a", "item-001", "order", 109.0),
        ("a", "item-002", "order", 109.0),
        ("a", "item-003", "order", 110.0),
        ("b", "item-004", "view", 105.0),
        ("c", "item-005", "order", 105.0),
    ]
    examples = next_period(rows)
    assert examples.customers.tolist() == [0, 2]
    assert targets(examples) == [[1, 2], [5]]
    assert examples.target_rows.tolist() == [0, 0, 1]
    assert targets(next_period(rows, VIEW)) == [[4]]


def test_before_the_next_period_only_what_came_before_the_window_is_known() -> None:
    examples = next_period([("a", "item-000", "order", 60.0), *session_of("a", 99.0), *session_of("a", 100.0)])
    (user,) = users(examples)
    assert user.items[0] == 0
    assert sorted(user.items[1:].tolist()) == [0, 1, 1, 2, 3]
    assert user.ages[:2].tolist() == [40, 1]
    assert not user.in_session
    assert user.cutoff == 2  # of three sessions


def test_a_new_customer_is_an_example_without_history() -> None:
    examples = next_period([*order_of("a", 99.0, 0), *order_of("a", 105.0, 1), *session_of("b", 105.0)])
    assert [user.is_cold_start for user in users(examples)] == [False, True]
    assert examples.has_history.tolist() == [True, False]


def test_every_view_but_a_sessions_first_is_a_target_after_the_view_before_it() -> None:
    examples = next_item([*session_of("a", 50.0), *session_of("a", 105.0)], VIEW)
    assert targets(examples) == [[1], [2]]
    first, second = users(examples)
    assert first.items[first.session_start :].tolist() == [0]
    assert second.items[second.session_start :].tolist() == [0, 1]
    assert (first.session_start, first.cutoff) == (5, 1)
    assert first.ages[-1] == 0
    assert first.ages[0] == pytest.approx(55)


def test_an_order_is_a_target_at_some_time_of_the_session_that_led_to_it() -> None:
    rows = [row for number in range(60) for row in session_of(f"c{number:02d}", 105.0)]
    examples = next_item(rows, ORDER)
    assert targets(examples) == [[1, 3]] * 60
    seen = {tuple(user.items.tolist()) for user in users(examples)}
    assert seen == {(0,), (0, 1), (0, 1, 2)}
    assert all(user.in_session for user in users(examples))
    assert examples.context_items.tolist() == [-1] * 60


@pytest.mark.parametrize("kind", [VIEW, ORDER])
def test_nothing_at_or_after_the_choice_is_ever_known(kind: int) -> None:
    random = np.random.default_rng(4)
    rows: list[Row] = [
        (f"c{random.integers(9)}", f"item-00{random.integers(8)}", ("view", "cart", "order")[random.integers(3)], day)
        for day in random.choice(np.arange(2000) / 200, 1500) + 100
    ]
    everything = interactions(rows, ITEMS)
    examples = Examples.next_item(everything, WINDOW, kind, seed=1)
    assert len(examples) > 100
    for example, wanted in enumerate(targets(examples)):
        customer, end = int(examples.customers[example]), int(examples.history_ends[example])
        stop = int(everything.offsets[customer + 1])
        ahead = everything.items[end:stop][everything.kinds[end:stop] == kind]
        assert set(wanted) <= set(ahead.tolist())
        known = everything.times[everything.offsets[customer] : end]
        assert (known <= examples.timestamps[example]).all()
        assert examples.context_items[example] not in wanted
        chosen_at = everything.times[end:stop][np.isin(everything.items[end:stop], wanted)]
        assert (chosen_at >= examples.timestamps[example]).all()
        assert examples.session_starts[example] <= end


def test_the_check_above_can_fail() -> None:
    """A history that ends one interaction too late shows the target."""
    examples = next_item(session_of("a", 105.0), VIEW)
    late = users(Examples(**{**vars(examples), "history_ends": examples.history_ends + 1}))
    assert [user.items[-1] for user in late] == [wanted[0] for wanted in targets(examples)]


def order_of(name: str, day: float, *numbers: int) -> list[Row]:
    return [(name, f"item-00{number}", "order", day) for number in numbers]


def with_context_items(customers: int, seed: int = 1) -> Examples:
    """Each customer bought 0 long before, and orders 2, 3 and 4 with no view before it."""
    rows: list[Row] = []
    for number in range(customers):
        rows += order_of(f"c{number:02d}", 50.0, 0) + order_of(f"c{number:02d}", 105.0, 2, 3, 4)
    return next_item(rows, ORDER, seed)


def test_where_nothing_led_to_an_order_one_item_is_the_context_item_and_the_others_are_targets() -> None:
    examples = with_context_items(40)
    assert set(examples.context_items.tolist()) == {2, 3, 4}
    for context_item, wanted, user in zip(
        examples.context_items.tolist(), targets(examples), users(examples), strict=True
    ):
        assert sorted([context_item, *wanted]) == [2, 3, 4]
        assert user.items.tolist() == [0, context_item]
        assert (user.kinds[-1], user.ages[-1], user.session_start) == (VIEW, 0, 1)


def test_the_draws_repeat_by_seed() -> None:
    first, same, other = with_context_items(40), with_context_items(40), with_context_items(40, seed=2)
    assert first.context_items.tolist() == same.context_items.tolist() != other.context_items.tolist()


def test_a_single_item_to_which_nothing_led_is_no_example() -> None:
    assert len(next_item(order_of("a", 105.0, 2), ORDER)) == 0
    assert len(next_item([("a", "item-002", "view", 105.0)], VIEW)) == 0


def test_a_session_that_began_before_the_window_is_left_out() -> None:
    assert len(next_item(session_of("a", 100.0 - MINUTE), ORDER)) == 0
    assert len(next_item(session_of("a", 100.0), ORDER)) == 1


def test_two_orders_of_one_session_are_two_examples() -> None:
    rows = [*session_of("a", 105.0), *order_of("a", 105.0 + 9 * MINUTE, 5)]
    assert targets(next_item(rows, ORDER)) == [[1, 3], [5]]


def test_selected_examples_keep_their_targets() -> None:
    examples = Examples.next_period(interactions(checkerboard(count=8), ITEMS), Window(50 * DAY, 60 * DAY), ORDER)
    mask = np.arange(len(examples)) % 3 == 0
    assert targets(examples.where(mask)) == [found for found, kept in zip(targets(examples), mask, strict=True) if kept]


def test_only_the_latest_interactions_are_known_and_the_session_is_among_them() -> None:
    rows = [*session_of("a", 50.0), *session_of("a", 105.0)]
    second = users(next_item(rows, VIEW), limit=3)[1]
    assert second.items[1:].tolist() == [0, 1]
    assert (len(second.items), second.session_start) == (3, 1)
    short = users(next_item(rows, VIEW), limit=1)[1]
    assert (short.items.tolist(), short.session_start) == ([1], 0)


def test_sampling_by_hash_is_stable() -> None:
    everything: Interactions = interactions(checkerboard(count=8), ITEMS)
    examples = Examples.next_period(everything, Window(50 * DAY, 60 * DAY), ORDER)
    few = examples.sampled(20, seed=3)
    assert len(few) == 20
    assert set(examples.sampled(19, seed=3).customers.tolist()) < set(few.customers.tolist())
    assert few.customers.tolist() != examples.sampled(20, seed=4).customers.tolist()
    assert examples.sampled(len(examples), seed=3) is examples
