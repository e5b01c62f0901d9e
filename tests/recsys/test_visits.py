"""Visits to learn from: what a visit shows, and what it must not show."""

import numpy as np

from recsys.interactions import SECONDS_PER_DAY as DAY
from recsys.interactions import Interactions
from recsys.splits import Window
from recsys.visits import Visits
from recsys.vocabulary import Vocabulary

VIEW, ORDER = 0, 2
WINDOW = Window(100 * DAY, 110 * DAY)
HOUR = DAY // 24


def past(customers: int) -> Interactions:
    """Each looks at item 0 long before, at item 1 minutes before the order of 2, 3 and 4, and orders 5 afterwards."""
    order_at = 105 * DAY
    rows = [(0, VIEW, 50 * DAY), (1, VIEW, order_at - HOUR // 4), *((i, ORDER, order_at) for i in (2, 3, 4))]
    entries = [(c, *row) for c in range(customers) for row in [*rows, (5, ORDER, WINDOW.stop + DAY)]]
    customer, item, kind, time = (np.array(column) for column in zip(*entries, strict=True))
    names = Vocabulary.of([f"c{number:03}" for number in range(customers)])
    return Interactions.of(names, 6, customer, item, kind, time)


def test_a_visit_ends_with_one_chosen_item_in_view_and_the_others_are_to_be_guessed() -> None:
    visits = Visits.of(past(40), WINDOW, ORDER, seed=1)
    for customer in range(40):
        shopper = visits.histories.shoppers(np.array([customer]), WINDOW.start)
        cue = visits.cues.columns[visits.cues.rows == customer].tolist()
        targets = visits.targets.columns[visits.targets.rows == customer].tolist()
        assert len(cue) == 1
        assert sorted(cue + targets) == [2, 3, 4]
        assert (shopper.items[-1], shopper.kinds[-1], shopper.ages[-1]) == (cue[0], VIEW, 0.0)
        assert not set(shopper.items.tolist()) & {*targets, 5}
        assert shopper.ages[0] == 55.0


def test_half_of_the_visits_begin_with_the_cue() -> None:
    visits = Visits.of(past(200), WINDOW, ORDER, seed=1)
    shown = [len(visits.histories.shoppers(np.array([customer]), WINDOW.start).items) for customer in range(200)]
    assert set(shown) == {2, 3}
    assert 60 < shown.count(3) < 140


def test_the_cue_is_drawn_at_random_and_by_seed() -> None:
    cues = [Visits.of(past(60), WINDOW, ORDER, seed=seed).cues.columns.tolist() for seed in (1, 1, 2)]
    assert cues[0] == cues[1] != cues[2]
    assert set(cues[0]) == {2, 3, 4}


def test_a_single_item_is_no_choice_to_learn_from() -> None:
    events = past(3)
    single = events.where((events.items != 3) & (events.items != 4))
    visits = Visits.of(single, WINDOW, ORDER, seed=1)
    assert not len(visits.cues.keys)
    assert not len(visits.histories)
