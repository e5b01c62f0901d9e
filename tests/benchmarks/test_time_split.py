"""The whole comparison on the checkerboard of tastes."""

import json
from functools import cache
from typing import Any

import ibis
import pyarrow as pa
import pytest

from benchmarks.time_split import EXAMPLES, evaluated
from contracts import columns as c
from contracts.errors import NotEnoughData
from pipelines.families.family import TrainingData
from pipelines.families.recommend.family import RECOMMEND
from tests.recsys.stores import SMALL, checkerboard, item_ids
from tests.worlds import day, events_table, order


def data(rows: list[dict[str, Any]]) -> TrainingData:
    catalogue = [dict.fromkeys(c.CATALOGUE.names) | {c.ITEM_ID: item} for item in item_ids(40)]
    return TrainingData(
        events=ibis.memtable(events_table(rows)),
        catalogue=ibis.memtable(pa.Table.from_pylist(catalogue, schema=c.CATALOGUE)),
        as_of=day(60),
        parameters=SMALL,
        threads=1,
    )


def orders() -> list[dict[str, Any]]:
    """Each customer's two items of a day in one order."""
    together: dict[tuple[str, float], dict[str, float]] = {}
    for who, item, _, at in checkerboard():
        together.setdefault((who, at), {})[item] = 1
    return [line for (who, at), items in together.items() for line in order(who, at, items)]


@cache
def found() -> dict[str, Any]:
    return evaluated(data(orders()), windows=2)


def test_each_window_lies_before_the_next_and_their_examples_count_together() -> None:
    later, earlier = found()["windows"]
    assert earlier["stop"] == later["start"]
    assert later["known_interactions"] > earlier["known_interactions"] > 0
    for examples in EXAMPLES:
        assert found()[examples]["cases"] == later[examples] + earlier[examples] > 100
    assert found()["next_period"]["cases_with_history"] <= found()["next_period"]["cases"]
    json.dumps(found())


def test_ours_beats_popular_beyond_doubt_and_itself_not_at_all() -> None:
    for examples in EXAMPLES:
        low, high = found()[examples]["ours_minus"]["popular"]["recall_at_20"]["interval_95"]
        means = {name: values["recall_at_20"] for name, values in found()[examples]["metrics"].items()}
        assert 0.2 < low < means["ours"] - means["popular"] < high
        assert "ours" not in found()[examples]["ours_minus"]


def test_of_one_window_the_figures_are_those_of_the_backtest() -> None:
    one, backtest = evaluated(data(orders()), windows=1), RECOMMEND.backtest(data(orders()))
    next_period, next_item = one["next_period"]["metrics"], one["next_item"]["metrics"]
    assert (one["next_period"]["cases"], one["next_item"]["cases"]) == (backtest.cases, backtest.details["visits"])
    for metric in ("recall_at_20", "ndcg_at_10", "repeat_recall_at_20", "explore_recall_at_20"):
        assert next_period["ours"][metric] == pytest.approx(backtest.metrics[metric], abs=1e-4)
    assert next_item["ours"]["ndcg_at_10"] == pytest.approx(backtest.metrics["visit_ndcg_at_10"], abs=1e-4)
    assert one["next_period"]["candidate_recall"]["any"] == pytest.approx(
        backtest.metrics["candidate_recall"], abs=1e-4
    )


def test_every_method_answers_the_same_questions() -> None:
    next_period, next_item = found()["next_period"], found()["next_item"]
    methods = {"ours", "popular", "personal_frequency", "als", "item_neighbours"}
    assert set(next_period["metrics"]) == methods
    assert set(next_item["metrics"]) == methods | {"item_neighbours_of_session"}
    frequency = next_period["metrics"]["personal_frequency"]
    assert frequency["repeat_recall_at_20"] > frequency["explore_recall_at_20"]
    assert max(next_period["candidate_recall"].values()) == next_period["candidate_recall"]["any"] > 0.9


def test_a_store_with_too_few_buyers_says_so() -> None:
    with pytest.raises(NotEnoughData, match="fewer than 30 customers"):
        evaluated(data(order("ada", 1, {"item-001": 1})), windows=1)
