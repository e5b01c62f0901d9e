"""The whole comparison on the checkerboard of tastes."""

import json
from functools import cache
from typing import Any

import ibis
import pyarrow as pa
import pytest

from benchmarks.time_split import judged
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
    return judged(data(orders()), windows=2)


def test_each_window_lies_before_the_next_and_their_cases_count_together() -> None:
    later, earlier = found()["windows"]
    assert earlier["stop"] == later["start"]
    assert later["known_interactions"] > earlier["known_interactions"] > 0
    for moment in ("at_start", "in_visits"):
        assert found()[moment]["cases"] == later[moment] + earlier[moment] > 100
    assert found()["at_start"]["cases_with_history"] <= found()["at_start"]["cases"]
    json.dumps(found())


def test_ours_beats_popular_beyond_doubt_and_itself_not_at_all() -> None:
    for moment in ("at_start", "in_visits"):
        low, high = found()[moment]["ours_minus"]["popular"]["recall_at_20"]["interval_95"]
        means = {name: values["recall_at_20"] for name, values in found()[moment]["metrics"].items()}
        assert 0.2 < low < means["ours"] - means["popular"] < high
        assert "ours" not in found()[moment]["ours_minus"]


def test_of_one_window_the_figures_are_those_of_the_backtest() -> None:
    one, backtest = judged(data(orders()), windows=1), RECOMMEND.backtest(data(orders()))
    at_start, in_visits = one["at_start"]["metrics"], one["in_visits"]["metrics"]
    assert (one["at_start"]["cases"], one["in_visits"]["cases"]) == (backtest.cases, backtest.details["visits"])
    for metric in ("recall_at_20", "ndcg_at_10", "repeat_recall_at_20", "explore_recall_at_20"):
        assert at_start["ours"][metric] == pytest.approx(backtest.metrics[metric], abs=1e-4)
        assert at_start["popular"][metric] == pytest.approx(backtest.baseline_metrics[metric], abs=1e-4)
    assert in_visits["ours"]["ndcg_at_10"] == pytest.approx(backtest.metrics["visit_ndcg_at_10"], abs=1e-4)
    assert one["at_start"]["candidate_recall"]["any"] == pytest.approx(backtest.metrics["candidate_recall"], abs=1e-4)


def test_every_method_answers_the_same_questions() -> None:
    at_start, in_visits = found()["at_start"], found()["in_visits"]
    methods = {"ours", "popular", "personal_frequency", "als", "item_neighbours"}
    assert set(at_start["metrics"]) == methods
    assert set(in_visits["metrics"]) == methods | {"item_neighbours_of_visit"}
    frequency = at_start["metrics"]["personal_frequency"]
    assert frequency["repeat_recall_at_20"] > frequency["explore_recall_at_20"]
    assert max(at_start["candidate_recall"].values()) == at_start["candidate_recall"]["any"] > 0.9


def test_a_store_with_too_few_buyers_says_so() -> None:
    with pytest.raises(NotEnoughData, match="fewer than 30 customers"):
        judged(data(order("ada", 1, {"item-001": 1})), windows=1)
