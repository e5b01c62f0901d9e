import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.customers import __main__ as command
from benchmarks.customers.baselines import BASELINES, snapshot
from benchmarks.customers.metrics import auc_interval, normalised_gini, order_metrics
from benchmarks.customers.split import DAY, one_cut, read_orders, rolling_cuts, split

START = pd.Timestamp("2025-01-01")
END = START + 200 * DAY


def world(count: int = 400, seed: int = 3) -> pd.DataFrame:
    """Customers with rates of their own over 300 days, of whom a third leave at some time."""
    generator = np.random.default_rng(seed)
    rows = []
    for customer in range(count):
        first = int(generator.integers(0, 90))
        end = 300 if generator.random() > 1 / 3 else int(generator.integers(first + 1, 301))
        extra = generator.uniform(first, end, generator.poisson((end - first) / generator.choice([15, 60, 240])))
        value = generator.gamma(5, 8)
        rows += [(customer, START + pd.Timedelta(days=float(day)), 1, value) for day in [first, *extra]]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "units", "order_value"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    world().to_parquet(tmp_path / "orders.parquet")
    return tmp_path


def test_an_order_is_a_day_on_which_something_was_kept(tmp_path: Path) -> None:
    rows = [("a", "2025-01-01 09:00", 1, 5.0), ("a", "2025-01-01 18:00", 2, 7.0), ("a", "2025-01-02", -1, -5.0)]
    rows += [("a", "2025-01-03", 0, 0.0), ("b", "2025-01-04", 1, 0.0)]
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "units", "order_value"])
    frame.assign(ordered_at=pd.to_datetime(frame["ordered_at"], format="ISO8601")).to_parquet(
        tmp_path / "orders.parquet"
    )
    orders = read_orders(tmp_path)
    assert orders[["customer_id", "units", "order_value"]].to_numpy().tolist() == [["a", 3, 12.0], ["b", 1, 0.0]]


def test_the_cut_scores_known_customers_by_what_came_within_the_horizon(folder: Path) -> None:
    orders = read_orders(folder)
    cut = split(orders, END, 50)
    assert cut.history["ordered_at"].max() < END
    assert cut.customers.tolist() == sorted(set(cut.history["customer_id"]))
    within = orders[orders["ordered_at"].between(END, END + 49 * DAY)]
    mine = within[within["customer_id"] == cut.customers[7]]
    assert cut.orders[7] == len(mine)
    assert cut.spend[7] == pytest.approx(mine["order_value"].sum())
    assert cut.orders.sum() == within["customer_id"].isin(cut.customers).sum()


def test_the_last_two_fifths_are_holdout_unless_a_date_is_named(folder: Path) -> None:
    orders = read_orders(folder)
    days = (orders["ordered_at"].max() - orders["ordered_at"].min()).days + 1
    assert one_cut(orders, None, None)[1] == round(0.4 * days)
    assert one_cut(orders, START + 100 * DAY, 4) == (START + 101 * DAY, 28)
    with pytest.raises(SystemExit, match="calibration would end"):
        one_cut(orders, START + 900 * DAY, None)


def test_rolling_cuts_are_months_with_a_whole_horizon(folder: Path) -> None:
    orders = read_orders(folder)
    cuts = rolling_cuts(orders, 60)
    assert [str(end.date()) for end, _ in cuts] == ["2025-06-01", "2025-07-01", "2025-08-01"]
    with pytest.raises(SystemExit, match="fewer --horizon-days"):
        rolling_cuts(orders, 200)


def test_further_customers_are_others_and_known_no_longer(folder: Path) -> None:
    cut = split(read_orders(folder), END, 50, read_orders(folder))
    assert cut.further is not None
    assert cut.further["ordered_at"].max() < END
    assert not set(cut.further["customer_id"]) & set(cut.customers)
    assert len(cut.all_orders) == 2 * len(cut.history)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_ranks_but_sees_nothing_of_the_holdout(folder: Path, name: str) -> None:
    orders = read_orders(folder)
    cut = split(orders, END, 90)
    prediction = BASELINES[name](cut)
    metrics = order_metrics(cut, prediction)
    assert isinstance(metrics["auc"], float)
    assert metrics["auc"] > 0.7
    later = orders["ordered_at"] >= END
    changed = orders.assign(order_value=orders["order_value"].where(~later, 999.0))[~later | (orders.index % 2 == 0)]
    without = BASELINES[name](split(changed, END, 90))
    assert all(np.array_equal(prediction[key], without[key]) for key in prediction)
    generator = np.random.default_rng(0)
    shuffled = [
        order_metrics(cut, {key: generator.permutation(column) for key, column in prediction.items()})["auc"]
        for _ in range(20)
    ]
    assert np.mean(np.array(shuffled, dtype=float)) == pytest.approx(0.5, abs=0.02)


def test_the_earlier_snapshot_ends_where_the_holdout_begins(folder: Path) -> None:
    cut = split(read_orders(folder), END, 150)
    earlier = snapshot(cut)
    assert earlier.horizon_days == 100  # half of what is known: the whole horizon does not fit
    assert earlier.calibration_end + earlier.horizon_days * DAY == END
    assert snapshot(split(read_orders(folder), END, 30)).horizon_days == 30


def test_the_gini_is_one_for_the_truth_minus_one_reversed_and_nought_for_a_constant() -> None:
    truth = np.array([0.0, 0.0, 0.0, 5.0, 20.0])
    assert normalised_gini(truth, truth * 3 + 1) == pytest.approx(1)
    assert normalised_gini(truth, np.ones(5)) == 0
    assert normalised_gini(truth, -truth) == pytest.approx(-1)
    assert normalised_gini(np.ones(5), truth) is None


def test_an_interval_covers_its_auc_and_narrows_with_cases() -> None:
    few, many = (auc_interval(0.8, np.arange(n) % 2) for n in (100, 10000))
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 0.8 < many[1] < few[1]


def test_bounds_are_counted_as_they_hold(folder: Path) -> None:
    cut = split(read_orders(folder), END, 90)
    flat = np.full(len(cut.customers), 0.5)
    bounds = {"spend_low": cut.spend - 1, "spend_high": np.where(cut.spend > 0, cut.spend - 0.5, cut.spend)}
    metrics = order_metrics(cut, {"probability": flat} | bounds)
    assert metrics["spend_coverage"] == pytest.approx((cut.spend == 0).mean())
    assert metrics["orders_mae"] is None
    assert metrics["auc"] == 0.5


def test_an_interval_from_nought_holds_at_least_all_who_probably_spend_nothing(folder: Path) -> None:
    cut = split(read_orders(folder), END, 90)
    size = len(cut.customers)
    seldom = {"probability": np.full(size, 0.05), "spend_high": np.full(size, 1e9)}
    from_nought, above = (order_metrics(cut, seldom | {"spend_low": np.full(size, low)}) for low in (0.0, 0.01))
    assert from_nought["spend_coverage_told"] == pytest.approx(0.95)
    assert above["spend_coverage_told"] == pytest.approx(0.8)
    assert order_metrics(cut, seldom)["spend_coverage_told"] is None


@pytest.mark.parametrize("options", [[], ["--rolling", "--horizon-days", "60"]])
def test_the_last_line_is_one_json_object(
    folder: Path, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "OURS", "benchmarks.of_which_there_is_none")
    monkeypatch.setattr(sys, "argv", ["customers", str(folder), "--train-on", str(folder), *options])
    command.main()
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(BASELINES) < set(report)
    assert {"seconds", "peak_mib", "cases"} < set(report)
    named = {
        "auc",
        "average_precision",
        "brier",
        "ece",
        "lift_at_10",
        "orders_total_error",
        "orders_mae",
        "orders_rmse",
    }
    assert named | {"orders_corr", "spend_spearman", "spend_gini"} < set(report["pareto_nbd"])
    if options:
        origins = [origin["methods"]["recency"]["auc"] for origin in report["origins"]]
        assert len(origins) == 3
        assert report["recency"]["auc"] == pytest.approx(np.mean(origins), abs=1e-3)
        assert report["pooled"]["recency"]["ece"] < report["recency"]["ece"]  # seasons level out


def test_ours_is_asked_with_what_was_known_alone(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = tmp_path / "ours_of_a_test.py"
    module.write_text(
        "import numpy as np\n"
        "def predict_ours(history, calibration_end, horizon_days, further, seed):\n"
        "    assert history['ordered_at'].max() < calibration_end and further is None and horizon_days == 90\n"
        "    return {'probability': np.linspace(0, 1, history['customer_id'].nunique())}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(command, "OURS", "ours_of_a_test")
    found, _ = command.evaluate(split(read_orders(folder), END, 90), {"ours": command.methods()["ours"]})
    assert found["methods"]["ours"]["auc"] == pytest.approx(0.5, abs=0.1)
