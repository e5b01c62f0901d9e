"""The segments family on a store whose customers' behaviour is known."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts import columns as c
from contracts.bundle import FAMILY_TABLE, write_table
from contracts.errors import InputError, NotEnoughData
from contracts.events.names import ORDER_CANCELLED
from pipelines.families.family import Backtest, FittedFamily, PreviousFit, TrainingData
from pipelines.families.segments import (
    CLUSTER,
    NAMED,
    RFM_SEGMENT,
    SCORE_COLUMNS,
    SEGMENTS,
    SEGMENTS_FILE,
    STAGE,
    SegmentParameters,
    rescore,
)
from pipelines.training.gate import apply_gate
from tests.pipelines.families.baselines import check_baseline
from tests.worlds import day, events_table, order, view

DAYS = 400
Rows = list[dict[str, Any]]


def orders_of(name: str, start: float, end: float, gap_days: float, price: float, chance: random.Random) -> Rows:
    at, rows = start, []
    while at < end:
        rows += order(name, round(at, 3), {f"item-{chance.randint(0, 5)}": 1}, price=price)
        at += gap_days * chance.uniform(0.8, 1.2)
    return rows


def store_rows() -> Rows:
    """Regulars buy dear every 10 days, occasional customers cheaply every 50, others once; some regulars have left."""
    chance = random.Random(3)
    rows: Rows = []
    for number in range(60):
        stays = number % 3 != 0
        rows += orders_of(f"regular-{number:02}", chance.uniform(0, 60), DAYS if stays else 150, 10, 90.0, chance)
        rows += orders_of(f"occasional-{number:02}", chance.uniform(0, 60), DAYS, 50, 8.0, chance)
        rows += order(f"once-{number:02}", round(chance.uniform(0, DAYS), 3), {"tea": 1}, price=20.0)
    rows += order("new", DAYS - 2, {"tea": 1})
    rows += order("back", 100, {"tea": 1}) + order("back", DAYS - 3, {"tea": 1})
    rows += order("changed-mind", 50, {"tea": 1}, order_id="undone")
    rows.append({
        c.EVENT: ORDER_CANCELLED, c.OCCURRED_AT: day(51), c.CUSTOMER_ID: "changed-mind", c.ORDER_ID: "undone"
    })  # fmt: skip
    rows += order("private", 390, {"tea": 1}, allows_personalization=False)
    rows += order("device", 390, {"tea": 1}, is_known=False)
    return [*rows, view("window-shopper", 390, "tea")]


def training_data(rows: Rows, as_of_day: float = DAYS, **parameters: Any) -> TrainingData:
    table = ibis.memtable(events_table(rows))
    nothing = ibis.memtable(c.CATALOGUE.empty_table())
    return TrainingData(table, nothing, day(as_of_day), SegmentParameters(**parameters), threads=1)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return store_rows()


@pytest.fixture(scope="module")
def judged(rows: Rows) -> Backtest:
    return SEGMENTS.backtest(training_data(rows))


@pytest.fixture(scope="module")
def fitted(rows: Rows) -> FittedFamily:
    return SEGMENTS.fit(training_data(rows))


def by_customer(fitted: FittedFamily) -> dict[str, dict[str, Any]]:
    assert fitted.table is not None
    return {row.pop(c.CUSTOMER_ID): row for row in fitted.table.to_pylist()}


def files_of(fitted: FittedFamily, folder: Path) -> Path:
    """The family's folder as a bundle has it."""
    fitted.write_files(folder)
    assert fitted.table is not None
    write_table(folder / FAMILY_TABLE, fitted.table)
    return folder


def test_segments_predict_spending_better_than_recency(judged: Backtest) -> None:
    verdict = apply_gate(SEGMENTS, judged)
    assert verdict.answers == "model", verdict.reason
    assert judged.metrics["spend_explained"] > 0.7  # type: ignore[operator]  # regulars differ that much
    assert (judged.window_end - judged.window_start) / timedelta(days=1) == judged.details["horizon_days"]


def test_segments_predict_nothing_where_all_order_at_random() -> None:
    chance = random.Random(5)
    rows = [
        line
        for number in range(1500)
        for line in order(f"customer-{chance.randrange(150)}", round(chance.uniform(0, DAYS), 3), {"tea": 1})
        + ([] if number else order("first", 0, {"tea": 1}))
    ]
    assert SEGMENTS.backtest(training_data(rows)).metrics["spend_explained"] < 0.1  # type: ignore[operator]


def test_every_change_of_a_week_is_counted_once_and_has_a_cause(judged: Backtest) -> None:
    changes = judged.details["changes"]
    for name in NAMED:
        each = changes[name]
        assert each["changed"] == each["ordered"] + each["time_or_visits"] + each["boundary_moved"]
        assert judged.metrics[f"{name}_changed_share"] == each["changed"] / changes["customers"]
    assert changes[STAGE]["changed"] > 0
    json.dumps(judged.details)


def test_who_has_an_order_has_every_column_and_a_prospect_only_the_stage(fitted: FittedFamily) -> None:
    customers = by_customer(fitted)
    names = (RFM_SEGMENT, *SCORE_COLUMNS, STAGE, CLUSTER)
    assert all(None not in row.values() for row in customers.values() if row[STAGE] != "prospect")
    for prospect in ("window-shopper", "changed-mind"):
        assert customers[prospect] == dict.fromkeys(names) | {STAGE: "prospect"}
    assert not customers.keys() & {"private", "device"}
    assert list(customers) == sorted(customers)


def test_planted_customers_have_their_stage_and_segment(fitted: FittedFamily) -> None:
    customers = by_customer(fitted)
    assert (customers["new"][STAGE], customers["new"][RFM_SEGMENT]) == ("new", "new customers")
    assert customers["back"][STAGE] == "won_back"
    assert customers["regular-01"][STAGE] == "active"
    assert customers["regular-01"][RFM_SEGMENT] == "champions"
    assert customers["regular-03"][STAGE] == "lapsed"
    assert customers["regular-03"][RFM_SEGMENT] in {"at risk", "can't lose them"}
    scores = [customers["regular-01"][name] for name in SCORE_COLUMNS]
    assert all(score >= 4 for score in scores)
    assert customers["once-01"]["rfm_frequency"] == 1


def test_clusters_separate_regular_and_occasional_customers(fitted: FittedFamily) -> None:
    customers = by_customer(fitted)
    regular, occasional = customers["regular-01"][CLUSTER], customers["occasional-01"][CLUSTER]
    assert regular != occasional
    assert "buys often" in regular
    assert "small baskets" in occasional


def test_every_column_is_described_and_every_replay_equals_the_table(fitted: FittedFamily) -> None:
    assert fitted.table is not None
    assert set(fitted.columns) == set(fitted.table.column_names) - {c.CUSTOMER_ID}
    customers = by_customer(fitted)
    assert len(fitted.replays) == 3
    assert all(customers[replay.request[c.CUSTOMER_ID]] == replay.expected for replay in fitted.replays)


def test_the_same_events_give_the_same_segments_in_any_order(rows: Rows, fitted: FittedFamily) -> None:
    again = SEGMENTS.fit(training_data(rows[::-1]))
    assert again.table.equals(fitted.table)  # type: ignore[union-attr]


FUTURE = order("regular-03", DAYS, {"tea": 1}) + order("later", DAYS + 1, {"tea": 1})


def test_what_happens_after_the_cut_changes_nothing(rows: Rows, fitted: FittedFamily, judged: Backtest) -> None:
    with_future = training_data(rows + FUTURE)
    assert SEGMENTS.fit(with_future).table.equals(fitted.table)  # type: ignore[union-attr]
    again = SEGMENTS.backtest(with_future)
    assert (again.metrics, again.baseline_metrics, again.details) == (
        judged.metrics,
        judged.baseline_metrics,
        judged.details,
    )
    # The control: a moment later the same events are seen.
    assert by_customer(SEGMENTS.fit(replace(with_future, as_of=day(DAYS + 2))))["regular-03"][STAGE] == "won_back"


def test_a_fit_starts_from_the_published_segments_and_counts_the_changes_by_cause(
    rows: Rows, fitted: FittedFamily, tmp_path: Path
) -> None:
    previous = PreviousFit(files_of(fitted, tmp_path), day(DAYS))
    tomorrow = training_data([*rows, *FUTURE], DAYS + 1)
    later = SEGMENTS.fit(replace(tomorrow, previous=previous))
    now = tmp_path / "now"
    now.mkdir()
    record = json.loads((files_of(later, now) / SEGMENTS_FILE).read_text())
    before = json.loads((tmp_path / SEGMENTS_FILE).read_text())
    assert record["clusters"]["names"] == before["clusters"]["names"]
    assert record["changes"]["customers"] == sum(before["sizes"][STAGE].values())
    assert record["changes"][STAGE]["ordered"] == 1  # regular-03, who came back
    assert record["changes"][CLUSTER]["boundary_moved_share"] <= 0.01


def test_a_published_fit_that_knew_the_future_is_no_start(rows: Rows, fitted: FittedFamily, tmp_path: Path) -> None:
    previous = PreviousFit(files_of(fitted, tmp_path), day(DAYS))
    earlier = training_data(rows, DAYS - 30)
    assert SEGMENTS.fit(replace(earlier, previous=previous)).table.equals(SEGMENTS.fit(earlier).table)  # type: ignore[union-attr]


def test_a_stored_segmentation_segments_the_customers_as_of_now(
    rows: Rows, fitted: FittedFamily, tmp_path: Path
) -> None:
    folder = files_of(fitted, tmp_path)
    again = rescore(training_data(rows), folder)
    assert again.table.equals(fitted.table)
    assert again.replays == fitted.replays
    later = rescore(training_data([*rows, *FUTURE], DAYS + 2), folder).table
    assert later.filter(pc.equal(later[c.CUSTOMER_ID], "regular-03"))[STAGE].to_pylist() == ["won_back"]


def test_the_baseline_names_segments_by_recency_alone(rows: Rows, fitted: FittedFamily, tmp_path: Path) -> None:
    baseline = check_baseline(SEGMENTS, training_data(rows), fitted, tmp_path)
    assert baseline.table is not None
    named = baseline.table.filter(baseline.table["rfm_segment"].is_valid()).to_pylist()
    assert {row["cluster"] for row in named} == {None}
    assert not {"champions", "loyal", "can't lose them", "at risk"} & {row["rfm_segment"] for row in named}
    assert len({row["rfm_segment"] for row in named}) > 3


def test_the_error_for_too_few_customers_names_what_is_needed() -> None:
    few = [line for number in range(10) for line in orders_of(f"c-{number}", 0, DAYS, 20, 9.0, random.Random(number))]
    with pytest.raises(NotEnoughData, match=r"segments .* at least 50 .* there are 10"):
        SEGMENTS.fit(training_data(few))


def test_a_small_store_is_segmented_too(rows: Rows) -> None:
    few = [row for row in rows if row[c.CUSTOMER_ID].endswith(("1", "2", "3"))]
    table = SEGMENTS.fit(training_data(few)).table
    assert table is not None
    assert pc.all(pc.is_valid(table[STAGE])).as_py()
    assert pa.types.is_int32(table.schema.field("rfm_money").type)
    assert len(pc.unique(table[RFM_SEGMENT])) >= 3


@pytest.mark.parametrize("wrong", [{"compared_days": 0}, {"horizon_days": 0}, {"horizon_quantile": 1.0}], ids=str)
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        SegmentParameters(**wrong)
