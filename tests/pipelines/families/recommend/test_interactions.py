"""Interactions and catalogue, as the recommender's arrays."""

from datetime import UTC, datetime

import ibis
import numpy as np

from contracts import columns as c
from pipelines.families.recommend.interactions import InteractionRows, first_interaction, read_items
from recsys.data.catalogue import ALWAYS, Items
from recsys.data.vocabulary import Vocabulary
from tests.worlds import day, events_table, order, view


def rows() -> InteractionRows:
    return InteractionRows(
        customer=np.array([0, 1, 0]),
        customer_ids=["zoe", "adam"],
        item=np.array([1, 0, 0]),
        item_ids=["mug", "gone"],
        kind=np.array([0, 1, 0]),
        kinds=["order", "view"],
        times=np.array([10, 20, 30]),
    )


def test_codes_become_histories_and_items_outside_the_catalogue_are_left_out() -> None:
    found = rows().interactions(Vocabulary.of(["adam", "zoe"]), Items.of(["mug", "pot"]))
    assert found.offsets.tolist() == [0, 1, 2]
    assert (found.items.tolist(), found.kinds.tolist(), found.times.tolist()) == ([0, 0], [0, 2], [20, 30])


def test_the_first_interaction_is_of_an_item_and_has_a_default() -> None:
    page = {c.OCCURRED_AT: day(1), c.CUSTOMER_ID: "ada"}
    events = events_table([page, view("ada", 3, "mug"), *order("ada", 2, {"mug": 1})])
    assert first_interaction(ibis.memtable(events), 99) == int(day(2).timestamp())
    assert first_interaction(ibis.memtable(events_table([page])), 99) == 99


def test_a_catalogue_table_becomes_items() -> None:
    known: dict[str, object] = dict.fromkeys(c.CATALOGUE.names)
    full = known | {
        c.ITEM_ID: "mug",
        c.ITEM_NAME: "Blue mug",
        c.PRICE: 4.5,
        c.AVAILABLE_FROM: datetime(1970, 1, 2, tzinfo=UTC),
        c.ATTRIBUTES: '{"colour": "blue"}',
    }
    table = ibis.memtable([full, known | {c.ITEM_ID: "pot"}], schema=c.CATALOGUE)
    items = read_items(table)
    assert items.ids.values() == ["mug", "pot"]
    assert items.names.values() == ["Blue mug", "pot"]
    assert items.available_from.tolist() == [86_400, ALWAYS]
    assert items.attributes.texts_of(0) == {"colour": "blue"}
    assert np.isnan(items.price[1])
