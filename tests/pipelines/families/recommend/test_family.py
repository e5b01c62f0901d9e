"""The recommend family from events to files, on the checkerboard of tastes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.bundle import SUFFIXES
from contracts.errors import NotEnoughData
from contracts.validation.fields import convert
from pipelines.families.family import Backtest, FittedFamily, TrainingData
from pipelines.families.recommend.family import RECOMMEND
from pipelines.training.gate import apply_gate
from recsys.files import read_recommender
from recsys.parameters import RecommendParameters
from recsys.ranking.ranker import SCENARIOS
from recsys.request import PLACEMENTS, Query
from tests.recsys.stores import checkerboard
from tests.worlds import day, events_table, order

SMALL = RecommendParameters(minimum_interactions=20, minimum_groups=20, trees=20, least_rows_per_leaf=5)


def training_data(rows: list[dict[str, Any]], **parameters: Any) -> TrainingData:
    items = sorted({row[c.ITEM_ID] for row in rows if row.get(c.ITEM_ID)})
    catalogue = [dict.fromkeys(c.CATALOGUE.names) | {c.ITEM_ID: item, c.ITEM_NAME: item.title()} for item in items]
    return TrainingData(
        events=ibis.memtable(events_table(rows)),
        catalogue=ibis.memtable(pa.Table.from_pylist(catalogue, schema=c.CATALOGUE)),
        as_of=day(60),
        parameters=RecommendParameters(**{**vars(SMALL), **parameters}),
        threads=1,
    )


def checkerboard_events(seed: int = 0) -> list[dict[str, Any]]:
    rows = checkerboard(count=80, seed=seed)
    return [line for n, (who, item, _, at) in enumerate(rows) for line in order(who, at, {item: 1}, order_id=f"o-{n}")]


@cache
def backtested() -> Backtest:
    return RECOMMEND.backtest(training_data(checkerboard_events()))


@cache
def fitted() -> FittedFamily:
    return RECOMMEND.fit(training_data(checkerboard_events()))


def test_it_is_judged_against_the_better_baseline() -> None:
    """The tastes repeat, so personal frequency is the stronger one."""
    found = backtested()
    assert day(45) < found.window_start < found.window_end == day(60)
    assert found.baseline_name == "personal frequency"
    mine, baseline = found.metrics[RECOMMEND.gate.metric], found.baseline_metrics[RECOMMEND.gate.metric]
    assert mine is not None
    assert baseline is not None
    assert mine > baseline
    verdict = apply_gate(RECOMMEND, found)
    assert verdict.finding in ("better", "unclear")  # of so few customers
    assert verdict.gain == pytest.approx(mine - baseline)
    assert found.cases > 50
    json.dumps(found.details)


def test_both_scenarios_are_evaluated() -> None:
    found = backtested()
    assert found.details["visits"] > 50
    mine, baseline = found.metrics["visit_recall_at_20"], found.baseline_metrics["visit_recall_at_20"]
    assert mine is not None
    assert baseline is not None
    assert mine > baseline
    assert {found.details[f"ranker_{name}"] for name in ("start", "visit")} == {"lambdamart"}


def test_the_baseline_of_a_store_with_few_orders_answers_every_placement(tmp_path: Path) -> None:
    """Three customers: no backtest, no ranker, yet lists; each customer's own favourite comes first."""
    bought = {"ada": ["tea", "tea", "cup"], "bob": ["cup", "pot", "cup"], "eve": ["tea", "pot"]}
    rows = [
        line
        for customer, items in bought.items()
        for at, item in enumerate(items)
        for line in order(customer, at + 50, {item: 1, "jam": 1} if at == 0 else {item: 1})
    ]
    assert RECOMMEND.fit_baseline is not None
    RECOMMEND.fit_baseline(training_data(rows)).write_files(tmp_path)
    served = read_recommender(tmp_path)
    first = {name: served.recommend(Query(customer_id=name, k=3)).items[0].item_id for name in ("ada", "bob")}
    assert first == {"ada": "tea", "bob": "cup"}
    for placement in PLACEMENTS:
        answer = served.recommend(Query(customer_id="ada", item_id="tea", k=3, placement=placement))
        assert answer.items or placement == "new_arrivals", placement
    assert served.recommend(Query(k=4)).items[0].item_id == "jam"


def test_the_backtest_knows_nothing_of_its_window() -> None:
    """A refund inside the window must not take the order out of the past that the window is predicted from."""
    rows = checkerboard_events()
    late = {c.EVENT: "Order Refunded", c.OCCURRED_AT: day(59.9), c.CUSTOMER_ID: "office"}
    before = [row[c.ORDER_ID] for row in rows if day(20) < row[c.OCCURRED_AT] < backtested().window_start]
    refunds = [late | {c.ORDER_ID: order_id, c.MESSAGE_ID: f"refund-{order_id}"} for order_id in before]
    plain, refunded = backtested(), RECOMMEND.backtest(training_data(rows + refunds))
    assert refunded.details["cases_with_history"] == plain.details["cases_with_history"]
    assert refunded.metrics == plain.metrics


def test_the_files_give_the_replayed_answers(tmp_path: Path) -> None:
    fitted().write_files(tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} <= SUFFIXES
    served = read_recommender(tmp_path)
    assert {file.stem for file in tmp_path.glob("*.txt")} == {f"ranker_{scenario}" for scenario in SCENARIOS}
    assert 3 <= len(fitted().replays) <= 5
    for replay in fitted().replays:
        answer = served.recommend(convert(json.loads(json.dumps(replay.request)), Query))
        assert replay.route == "recommend"
        assert [item.item_id for item in answer.items] == replay.expected["items"]
        assert [item.score for item in answer.items] == replay.expected["scores"]


def test_the_catalogue_reaches_the_policy(tmp_path: Path) -> None:
    data = training_data(checkerboard_events())
    row = {c.STOCK: 0.0, c.PRICE: 9.5, c.ITEM_CATEGORY: "tea", c.AVAILABLE_FROM: day(70)}
    row |= {c.ATTRIBUTES: '{"colour":"red","margin":0.4}'}
    catalogue = data.catalogue.to_pyarrow().to_pylist()
    changed = [item | (row if n % 2 else {}) for n, item in enumerate(catalogue)]
    table = ibis.memtable(pa.Table.from_pylist(changed, schema=c.CATALOGUE))
    RECOMMEND.fit(TrainingData(data.events, table, data.as_of, data.parameters, threads=1)).write_files(tmp_path)
    items = read_recommender(tmp_path).retriever.items
    assert items.names.value(3) == "Item-003"
    assert items.categories.values() == ["tea"]
    assert items.category[:2].tolist() == [-1, 0]
    assert items.available_from[1] == int(day(70).timestamp())
    assert items.available_from[0] < 0
    assert (np.isnan(items.stock[0]), items.stock[1], items.price[1]) == (True, 0, 9.5)
    colour, margin = items.having("colour", ("red",)), items.numbers("margin")
    assert colour is not None
    assert margin is not None
    assert colour[:2].tolist() == [False, True]
    assert (np.isnan(margin[0]), margin[1]) == (True, 0.4)


def test_the_error_for_too_little_data_names_what_is_needed() -> None:
    few = order("ada", 1, {"tea": 1, "cup": 1})
    with pytest.raises(NotEnoughData, match="at least 30 customers"):
        RECOMMEND.backtest(training_data(few))
    with pytest.raises(NotEnoughData, match="at least 20 views"):
        RECOMMEND.fit(training_data(few))
    with pytest.raises(NotEnoughData, match="none"):
        RECOMMEND.fit_baseline(training_data([{c.TYPE: "page", c.OCCURRED_AT: day(1), c.CUSTOMER_ID: "ada"}]))  # type: ignore[misc]
    with pytest.raises(NotEnoughData):
        RECOMMEND.backtest(training_data([{c.TYPE: "page", c.OCCURRED_AT: day(1), c.CUSTOMER_ID: "ada"}]))
