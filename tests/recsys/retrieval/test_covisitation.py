import numpy as np
import pytest

from recsys.items import Items
from recsys.parameters import RecommendParameters
from recsys.query import KINDS
from recsys.retrieval.covisitation import RELATIONS, BoughtTogether, CoVisitation, ViewedThenBought, ViewedTogether
from recsys.retrieval.retriever import Retriever
from tests.recsys.stores import DAY, Row, interactions, item_ids

ITEMS = Items.of(item_ids(6))


def fitted(rows: list[Row], source: type[CoVisitation], **parameters: int) -> CoVisitation:
    histories = interactions(rows, ITEMS)
    retriever = Retriever.fit(histories, ITEMS, 100 * DAY, 2, RecommendParameters(**parameters))
    found = retriever.sources[source.name]
    assert isinstance(found, CoVisitation)
    return found


def neighbours(source: CoVisitation) -> dict[int, set[int]]:
    return {item: set(source.similar(item)[0].tolist()) for item in range(6) if len(source.similar(item)[0])}


def test_what_is_touched_within_the_window_is_related_both_ways() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0), ("a", "item-001", "view", 1.5), ("a", "item-002", "view", 3.0)]
    assert neighbours(fitted(rows, ViewedTogether)) == {0: {1}, 1: {0}}


def test_no_pair_joins_two_customers() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0), ("b", "item-001", "view", 1.0)]
    assert neighbours(fitted(rows, ViewedTogether)) == {}


def test_bought_after_viewing_points_forward_only() -> None:
    rows: list[Row] = [
        ("a", "item-000", "order", 1.0),
        ("a", "item-001", "view", 2.0),
        ("a", "item-002", "order", 3.0),
        ("a", "item-003", "order", 32.0),
    ]
    assert neighbours(fitted(rows, ViewedThenBought)) == {1: {2}}
    assert neighbours(fitted(rows, BoughtTogether)) == {0: {2}, 2: {0, 3}, 3: {2}}


def test_one_visitor_counts_once_however_often() -> None:
    once: list[Row] = [("a", "item-000", "view", 1.0), ("a", "item-001", "view", 1.0)]
    spam = once * 200
    assert fitted(spam, ViewedTogether).similar(0)[1].tolist() == fitted(once, ViewedTogether).similar(0)[1].tolist()
    crowd: list[Row] = [(name, item, kind, at) for name in ("b", "c") for _, item, kind, at in once]
    assert fitted([*once, *crowd], ViewedTogether).similar(0)[1] > fitted(spam, ViewedTogether).similar(0)[1]


def test_more_and_later_customers_make_stronger_neighbours() -> None:
    rows: list[Row] = []
    for customer, other, at in (("a", "1", 99.0), ("b", "1", 99.0), ("c", "2", 99.0), ("d", "3", 9.0)):
        rows += [(customer, "item-000", "order", at), (customer, f"item-00{other}", "order", at)]
    items, scores = fitted(rows, BoughtTogether).similar(0)
    strength = dict(zip(items.tolist(), scores.tolist(), strict=True))
    assert strength[1] > strength[2] > strength[3]


def test_only_the_strongest_neighbours_are_kept_and_reach_is_bounded() -> None:
    rows: list[Row] = [("a", f"item-00{n}", "view", 1.0 + n / 100) for n in range(6)]
    rows += [("b", "item-000", "view", 1.0), ("b", "item-001", "view", 1.0)]
    assert neighbours(fitted(rows, ViewedTogether, neighbours=1))[0] == {1}
    assert neighbours(fitted(rows, ViewedTogether, reach=2))[3] == {1, 2, 4, 5}


@pytest.mark.parametrize("source", RELATIONS)
def test_blocks_change_nothing(source: type[CoVisitation], monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    rows: list[Row] = [
        (f"c{random.integers(9)}", f"item-00{random.integers(6)}", KINDS[random.integers(3)], random.random() * 20)
        for _ in range(300)
    ]
    whole = fitted(rows, source).neighbours
    monkeypatch.setattr("recsys.retrieval.pairing.PAIRS_PER_BLOCK", 10)
    parts = fitted(rows, source).neighbours
    assert (whole != parts).nnz == 0
    assert whole.nnz > 0
