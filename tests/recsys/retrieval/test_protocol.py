"""The source protocol, as every source keeps it."""

import pytest

from recsys.data.catalogue import Items
from recsys.retrieval.protocol import Source
from recsys.retrieval.retriever import SOURCES
from tests.recsys.stores import ORDER, SMALL, VIEW, checkerboard, item_ids, retrieved_scores, state, user

COUNT = 40
USER = user([(2, ORDER, 9.0), (4, VIEW, 1.0)], session=[(6, VIEW)])
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


def test_the_columns_of_all_sources_have_names_of_their_own() -> None:
    names = [column.name for source in SOURCES for column in source.columns(SMALL)]
    assert len(set(names)) == len(names)
    assert len({source.name for source in SOURCES}) == len(SOURCES)


@every_source
def test_a_source_scores_the_known_items_as_before_after_others_were_appended(source: type[Source]) -> None:
    data = state(checkerboard(), Items.of(item_ids(COUNT)), 60)
    more = state(checkerboard(), Items.of(item_ids(COUNT + 3)), 60)
    fitted = source.fit(data)
    resized = fitted.resized(more.items, more.counters)
    before = retrieved_scores(fitted, USER, COUNT, seen=[3, 8])
    after = retrieved_scores(resized, USER, COUNT + 3, seen=[3, 8, COUNT + 2])
    known = {name: {item: score for item, score in column.items() if item < COUNT} for name, column in after.items()}
    assert known == before
