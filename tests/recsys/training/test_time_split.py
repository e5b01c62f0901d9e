from recsys.data.catalogue import Items
from recsys.training.time_split import Window, last_window, target_kind, windows_back
from tests.recsys.stores import DAY, interactions, item_ids

ITEMS = Items.of(item_ids(3))


def test_the_last_window_is_shortened_for_a_short_history() -> None:
    assert last_window(0, 100 * DAY, 14).start == 86 * DAY
    assert last_window(0, 100 * DAY, 50).start == 80 * DAY
    assert last_window(0, 2 * DAY, 14).start == 1 * DAY


def test_the_strongest_kind_with_enough_customers_is_predicted() -> None:
    rows = [(f"c{n}", "item-000", "view", 5.0) for n in range(4)] + [("c0", "item-001", "order", 5.0)] * 9
    window = Window(5 * DAY, 6 * DAY)
    assert target_kind(interactions(rows, ITEMS), window, 1) == 2
    assert target_kind(interactions(rows, ITEMS), window, 2) == 0
    assert target_kind(interactions(rows, ITEMS), window, 5) is None


def test_earlier_windows_lie_back_to_back_and_leave_half_of_the_history_before_them() -> None:
    last = Window(86 * DAY, 100 * DAY)
    windows = list(windows_back(last, 0, limit=10))
    assert windows == [last, Window(72 * DAY, 86 * DAY), Window(58 * DAY, 72 * DAY)]
    assert list(windows_back(last, 0, limit=1)) == [last]
    assert list(windows_back(last, 80 * DAY, limit=10)) == [last]
