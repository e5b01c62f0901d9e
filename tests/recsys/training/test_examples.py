"""Cases: what was known at a moment of the past, and what the shopper chose next."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.training.examples import Cases
from recsys.training.time_split import Window
from tests.recsys.stores import DAY, ORDER, VIEW, Row, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(8))
WINDOW = Window(100 * DAY, 110 * DAY)
MINUTE = 1 / 24 / 60


def targets(cases: Cases) -> list[list[int]]:
    return [part.tolist() for part in np.split(cases.targets, cases.target_offsets[1:-1])] if len(cases) else []


def shoppers(cases: Cases, limit: int = 300) -> list[UserHistory]:
    log = SessionLog.of(cases.interactions)
    return [cases.shopper(case, log, limit) for case in range(len(cases))]


def visit_of(name: str, start: float) -> list[Row]:
    """Looks at 0, then 1, then 2, and orders 1 and 3."""
    return [
        (name, "item-000", "view", start),
        (name, "item-001", "view", start + 1 * MINUTE),
        (name, "item-002", "view", start + 2 * MINUTE),
        (name, "item-001", "order", start + 3 * MINUTE),
        (name, "item-003", "order", start + 3 * MINUTE),
    ]


def at_start(rows: list[Row], kind: int = ORDER) -> Cases:
    return Cases.at_start(interactions(rows, ITEMS), WINDOW, kind)


def in_visits(rows: list[Row], kind: int, seed: int = 1) -> Cases:
    return Cases.in_visits(interactions(rows, ITEMS), WINDOW, kind, seed)


def test_at_the_start_what_was_chosen_inside_the_window_is_to_be_found() -> None:
    rows: list[Row] = [
        ("a", "item-000", "order", 99.0),
        ("a", "item-001", "order", 100.0),
        ("a", "item-001", "order", 109.0),
        ("a", "item-002", "order", 109.0),
        ("a", "item-003", "order", 110.0),
        ("b", "item-004", "view", 105.0),
        ("c", "item-005", "order", 105.0),
    ]
    cases = at_start(rows)
    assert cases.customers.tolist() == [0, 2]
    assert targets(cases) == [[1, 2], [5]]
    assert cases.target_rows.tolist() == [0, 0, 1]
    assert targets(at_start(rows, VIEW)) == [[4]]


def test_at_the_start_only_what_came_before_the_window_is_known() -> None:
    cases = at_start([("a", "item-000", "order", 60.0), *visit_of("a", 99.0), *visit_of("a", 100.0)])
    (shopper,) = shoppers(cases)
    assert shopper.items[0] == 0
    assert sorted(shopper.items[1:].tolist()) == [0, 1, 1, 2, 3]
    assert shopper.ages[:2].tolist() == [40, 1]
    assert not shopper.in_session
    assert shopper.cutoff == 2  # of three visits


def test_somebody_new_is_a_case_without_history() -> None:
    cases = at_start([("a", "item-000", "order", 99.0), ("a", "item-001", "order", 105.0), *visit_of("b", 105.0)])
    assert [shopper.is_cold_start for shopper in shoppers(cases)] == [False, True]
    assert cases.with_history().customers.tolist() == [0]


def test_every_view_but_a_visits_first_is_to_be_found_from_the_moment_before_it() -> None:
    cases = in_visits([*visit_of("a", 50.0), *visit_of("a", 105.0)], VIEW)
    assert targets(cases) == [[1], [2]]
    first, second = shoppers(cases)
    assert first.items[first.session_start :].tolist() == [0]
    assert second.items[second.session_start :].tolist() == [0, 1]
    assert (first.session_start, first.cutoff) == (5, 1)
    assert first.ages[-1] == 0
    assert first.ages[0] == pytest.approx(55)


def test_an_order_is_to_be_found_from_some_moment_of_the_visit_that_led_to_it() -> None:
    rows = [row for number in range(60) for row in visit_of(f"c{number:02d}", 105.0)]
    cases = in_visits(rows, ORDER)
    assert targets(cases) == [[1, 3]] * 60
    seen = {tuple(shopper.items.tolist()) for shopper in shoppers(cases)}
    assert seen == {(0,), (0, 1), (0, 1, 2)}
    assert all(shopper.in_session for shopper in shoppers(cases))
    assert cases.cues.tolist() == [-1] * 60


@pytest.mark.parametrize("kind", [VIEW, ORDER])
def test_nothing_at_or_after_the_choice_is_ever_known(kind: int) -> None:
    random = np.random.default_rng(4)
    rows: list[Row] = [
        (f"c{random.integers(9)}", f"item-00{random.integers(8)}", ("view", "cart", "order")[random.integers(3)], day)
        for day in random.choice(np.arange(2000) / 200, 1500) + 100
    ]
    everything = interactions(rows, ITEMS)
    cases = Cases.in_visits(everything, WINDOW, kind, seed=1)
    assert len(cases) > 100
    for case, wanted in enumerate(targets(cases)):
        customer, cut = int(cases.customers[case]), int(cases.cuts[case])
        stop = int(everything.offsets[customer + 1])
        ahead = everything.items[cut:stop][everything.kinds[cut:stop] == kind]
        assert set(wanted) <= set(ahead.tolist())
        known = everything.times[everything.offsets[customer] : cut]
        assert (known <= cases.moments[case]).all()
        assert cases.cues[case] not in wanted
        chosen_at = everything.times[cut:stop][np.isin(everything.items[cut:stop], wanted)]
        assert (chosen_at >= cases.moments[case]).all()
        assert cases.visits[case] <= cut


def test_the_check_above_can_fail() -> None:
    """A cut that is one interaction too late shows the target."""
    cases = in_visits(visit_of("a", 105.0), VIEW)
    late = shoppers(Cases(**{**vars(cases), "cuts": cases.cuts + 1}))
    assert [shopper.items[-1] for shopper in late] == [wanted[0] for wanted in targets(cases)]


def order_of(name: str, day: float, *numbers: int) -> list[Row]:
    return [(name, f"item-00{number}", "order", day) for number in numbers]


def cued(customers: int, seed: int = 1) -> Cases:
    """Each customer bought 0 long before, and orders 2, 3 and 4 with no view before it."""
    rows: list[Row] = []
    for number in range(customers):
        rows += order_of(f"c{number:02d}", 50.0, 0) + order_of(f"c{number:02d}", 105.0, 2, 3, 4)
    return in_visits(rows, ORDER, seed)


def test_where_nothing_led_to_an_order_one_item_is_the_open_page_and_the_others_are_to_be_found() -> None:
    cases = cued(40)
    assert set(cases.cues.tolist()) == {2, 3, 4}
    for cue, wanted, shopper in zip(cases.cues.tolist(), targets(cases), shoppers(cases), strict=True):
        assert sorted([cue, *wanted]) == [2, 3, 4]
        assert shopper.items.tolist() == [0, cue]
        assert (shopper.kinds[-1], shopper.ages[-1], shopper.session_start) == (VIEW, 0, 1)


def test_the_draws_repeat_by_seed() -> None:
    first, same, other = cued(40), cued(40), cued(40, seed=2)
    assert first.cues.tolist() == same.cues.tolist() != other.cues.tolist()


def test_a_single_item_to_which_nothing_led_is_no_choice_to_learn_from() -> None:
    assert len(in_visits(order_of("a", 105.0, 2), ORDER)) == 0
    assert len(in_visits([("a", "item-002", "view", 105.0)], VIEW)) == 0


def test_a_visit_that_began_before_the_window_is_not_of_it() -> None:
    assert len(in_visits(visit_of("a", 100.0 - MINUTE), ORDER)) == 0
    assert len(in_visits(visit_of("a", 100.0), ORDER)) == 1


def test_two_orders_of_one_visit_are_two_moments() -> None:
    rows = [*visit_of("a", 105.0), *order_of("a", 105.0 + 9 * MINUTE, 5)]
    assert targets(in_visits(rows, ORDER)) == [[1, 3], [5]]


def test_no_target_is_lost_by_choosing_cases() -> None:
    cases = Cases.at_start(interactions(checkerboard(count=8), ITEMS), Window(50 * DAY, 60 * DAY), ORDER)
    mask = np.arange(len(cases)) % 3 == 0
    assert targets(cases.where(mask)) == [found for found, kept in zip(targets(cases), mask, strict=True) if kept]


def test_only_the_latest_interactions_are_known_and_the_visit_is_among_them() -> None:
    rows = [*visit_of("a", 50.0), *visit_of("a", 105.0)]
    second = shoppers(in_visits(rows, VIEW), limit=3)[1]
    assert second.items[1:].tolist() == [0, 1]
    assert (len(second.items), second.session_start) == (3, 1)
    short = shoppers(in_visits(rows, VIEW), limit=1)[1]
    assert (short.items.tolist(), short.session_start) == ([1], 0)


def test_sampling_by_hash_is_stable() -> None:
    everything: Interactions = interactions(checkerboard(count=8), ITEMS)
    cases = Cases.at_start(everything, Window(50 * DAY, 60 * DAY), ORDER)
    few = cases.sampled(20, seed=3)
    assert len(few) == 20
    assert set(cases.sampled(19, seed=3).customers.tolist()) < set(few.customers.tolist())
    assert few.customers.tolist() != cases.sampled(20, seed=4).customers.tolist()
    assert cases.sampled(len(cases), seed=3) is cases
