"""Features: the same numbers in training and in serving, and what each of them says."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.ranking.features import item_table
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import SCENARIOS, Ranker
from recsys.recommender import Recommender
from recsys.request import Query, SessionEvent
from recsys.retrieval.retriever import Retriever
from recsys.training.examples import Examples
from recsys.training.groups import training_groups
from recsys.training.time_split import Window
from tests.recsys.stores import (
    DAY,
    ORDER,
    SMALL,
    VIEW,
    Row,
    all_items,
    checkerboard,
    interactions,
    item_ids,
    pipeline,
    retriever,
    user,
)

WINDOW = Window(60 * DAY, 70 * DAY)
MINUTE = 1 / 24 / 60
ITEMS = Items.of(
    item_ids(40),
    categories=["tea" if n % 2 else "mugs" for n in range(40)],
    brands=["acme" if n < 20 else "best" for n in range(40)],
    price=np.arange(1, 41, dtype=np.float32),
)
# After 60 days of everybody's orders, one customer comes back: looks at three items and orders two.
SESSION: list[Row] = [
    ("customer-000", "item-004", "view", 65.0),
    ("customer-000", "item-008", "view", 65.0 + 2 * MINUTE),
    ("customer-000", "item-004", "cart", 65.0 + 3 * MINUTE),
    ("customer-000", "item-012", "view", 65.0 + 4 * MINUTE),
    ("customer-000", "item-004", "order", 65.0 + 9 * MINUTE),
    ("customer-000", "item-016", "order", 65.0 + 9 * MINUTE),
]


class RecordingRanker(Ranker):
    """Keeps the features that it is asked to score."""

    def scores(self, features: np.ndarray) -> np.ndarray:
        self.recorded = features
        return super().scores(features)


def served(fitted: Retriever, histories: list[Row], query: Query, day: float) -> np.ndarray:
    """The features that the recommender's ranker is given for a query."""
    whole = CandidatePipeline.of(fitted)
    ranker = RecordingRanker(whole.features.names)
    past = interactions(histories, fitted.items)
    recommender = Recommender(whole, past, dict.fromkeys(SCENARIOS, ranker))
    recommender.recommend(query, at(day))
    return ranker.recorded


def trained(rows: list[Row], examples: Examples) -> np.ndarray:
    """The features that training gives the examples."""
    everything = interactions(rows, ITEMS)
    log = SessionLog.of(everything)
    fitted = Retriever.fit(everything.before(WINDOW.start), log, ITEMS, WINDOW.start, ORDER, SMALL)
    return training_groups(CandidatePipeline.of(fitted), examples, SMALL, seed=1, threads=1).features


def at(day: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


def test_before_a_session_training_and_serving_see_the_same() -> None:
    past = checkerboard()
    examples = Examples.next_period(interactions(past + SESSION, ITEMS), WINDOW, ORDER)
    assert len(examples) == 1
    trained_on = trained(past + SESSION, examples)
    fresh = retriever(past, ITEMS, 60)  # as a later run would fit it: it has not seen the window at all
    np.testing.assert_array_equal(trained_on, served(fresh, past, Query(customer_id="customer-000"), 60))


@pytest.mark.parametrize("kind", [VIEW, ORDER])
def test_inside_a_session_training_and_serving_see_the_same(kind: int) -> None:
    past = checkerboard()
    examples = Examples.next_item(interactions(past + SESSION, ITEMS), WINDOW, kind, seed=1)
    for example in range(len(examples)):
        one = examples.where(np.arange(len(examples)) == example)
        trained_on = trained(past + SESSION, one)
        seen = SESSION[: int(one.history_ends[0] - one.session_starts[0])]
        session = tuple(SessionEvent(item, what) for _, item, what, _ in seen)
        query = Query(customer_id="customer-000", session=session)
        fresh = retriever(past, ITEMS, 60)
        np.testing.assert_array_equal(trained_on, served(fresh, past, query, float(one.timestamps[0] / DAY)))
        one_more = Query(customer_id="customer-000", session=(*session, SessionEvent("item-001")))
        assert not np.array_equal(trained_on, served(fresh, past, one_more, float(one.timestamps[0] / DAY)))


def test_the_context_item_is_the_same_in_training_and_in_serving() -> None:
    past = checkerboard()
    order: list[Row] = [("customer-000", item, "order", 65.0) for item in ("item-004", "item-016", "item-020")]
    examples = Examples.next_item(interactions(past + order, ITEMS), WINDOW, ORDER, seed=1)
    trained_on = trained(past + order, examples)
    context_item = ITEMS.ids.value(int(examples.context_items[0]))
    query = Query(customer_id="customer-000", item_id=context_item)
    np.testing.assert_array_equal(trained_on, served(retriever(past, ITEMS, 60), past, query, 65))


def described(asked: UserHistory, name: str) -> dict[int, float]:
    """One feature of every candidate."""
    fitted = pipeline(checkerboard(), ITEMS, 60)
    found = fitted.candidates(asked, all_items(fitted.retriever))
    column = found.features[:, fitted.features.place[name]]
    return dict(zip(found.items.tolist(), column.tolist(), strict=True))


def test_affinity_is_the_share_of_the_interest_in_the_items_group() -> None:
    asked = user([(0, ORDER, 0.0), (2, VIEW, 0.0), (1, VIEW, 0.0)])  # 6 and 1 in mugs, 1 in tea
    found = described(asked, "category_affinity")
    assert (found[4], found[5]) == (pytest.approx(7 / 8), pytest.approx(1 / 8))
    brands = described(user([(0, ORDER, 0.0), (39, ORDER, 30.0)]), "brand_affinity")
    assert (brands[1], brands[38]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_the_price_gap_is_the_distance_from_the_users_own_prices() -> None:
    found = described(user([(9, ORDER, 0.0)]), "price_gap")  # paid 10
    assert found[9] == pytest.approx(0, abs=1e-6)
    assert found[19] == pytest.approx(np.log(2))
    assert found[4] == pytest.approx(-np.log(2))


def test_a_share_is_one_for_the_best_candidate_and_keeps_the_order() -> None:
    asked = user([(0, ORDER, 3.0)])
    raw, share = described(asked, "bought_together"), described(asked, "bought_together_max_normalised")
    assert max(share.values()) == 1
    assert sorted(raw, key=lambda item: raw[item]) == sorted(share, key=lambda item: share[item])
    assert {item for item, value in raw.items() if value == 0} == {item for item, value in share.items() if value == 0}


def test_the_properties_of_the_user_are_the_same_for_every_candidate() -> None:
    asked = user([(0, ORDER, 5.0), (0, VIEW, 4.0)], session=[(2, VIEW)])
    said = {
        name: set(described(asked, name).values()) for name in ("shopper_items", "session_length", "shopper_idle_days")
    }
    assert said == {"shopper_items": {2}, "session_length": {1}, "shopper_idle_days": {0}}
    assert [described(asked, f"shopper_{kind}s")[4] for kind in KINDS] == [2, 0, 1]


def test_a_rising_item_has_a_trend_above_one() -> None:
    rows: list[Row] = [(f"c{n}", "item-000", "order", 99.0) for n in range(20)]  # new this week
    rows += [
        (f"c{n}", "item-001", "order", 74.0 + 7 * week) for week in range(4) for n in range(5 * week, 5 * week + 5)
    ]
    rows += [(f"c{n}", "item-002", "order", 75.0) for n in range(20)]  # no longer bought
    rows += [(f"d{n}", "item-001", "view", 99.0) for n in range(20)]
    counters = ItemCounters.of(interactions(rows, ITEMS), 100 * DAY, ORDER)
    table = item_table(counters)
    trend, conversion = table[:, 3], table[:, 4]
    assert trend[0] > 3
    assert trend[1] == pytest.approx(1, abs=0.1)
    assert trend[2] < 0.1
    assert conversion[0] == pytest.approx(20 / 25)
    assert conversion[1] == pytest.approx(20 / 45)


def test_an_unknown_category_or_price_is_no_taste() -> None:
    bare = pipeline(checkerboard(), Items.of(item_ids(40)), 60)
    found = bare.candidates(user([(0, ORDER, 1.0)]), all_items(bare.retriever))
    for name in ("category_affinity", "brand_affinity", "price_gap"):
        assert set(found.features[:, bare.features.place[name]].tolist()) == {0}
