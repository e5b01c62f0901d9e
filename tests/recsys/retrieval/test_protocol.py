"""The source protocol, as every source keeps it."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.retrieval.protocol import Source
from recsys.retrieval.retriever import SOURCES
from tests.recsys.stores import ORDER, SMALL, VIEW, checkerboard, item_ids, pointwise_features, state, user

COUNT = 40
USER = user([(2, ORDER, 9.0), (4, VIEW, 1.0)], session=[(6, VIEW)])
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


def test_columns_and_features_of_all_sources_have_names_of_their_own() -> None:
    names = [column.name for source in SOURCES for column in source.columns(SMALL)]
    names += [name for source in SOURCES for name in source.pointwise_features()]
    assert len(set(names)) == len(names)
    assert len({source.name for source in SOURCES}) == len(SOURCES)


@every_source
def test_a_source_scores_appended_items_too_and_the_others_as_before(source: type[Source]) -> None:
    data = state(checkerboard(), Items.of(item_ids(COUNT)), 60)
    more = state(checkerboard(), Items.of(item_ids(COUNT + 3)), 60)
    fitted = source.fit(data)
    resized = fitted.resized(more.items, more.counters)
    scores = pointwise_features(fitted, USER, [3, 8])
    assert pointwise_features(resized, USER, [3, 8]) == scores
    assert all(np.isfinite(pointwise_features(resized, USER, [COUNT + 2])[name]).all() for name in scores)
