"""The command: what it prints for one cut, and for the first of each month."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.customers import __main__ as command
from benchmarks.customers.baselines import BASELINES
from tests.benchmarks.customers.worlds import orders_of_a_store


@pytest.mark.parametrize("options", [[], ["--rolling", "--horizon-days", "60"]])
def test_the_last_line_is_one_json_object(
    tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orders_of_a_store().to_parquet(tmp_path / "orders.parquet")
    fast = {name: BASELINES[name] for name in ("recency", "mean_rate")}
    monkeypatch.setattr(command, "METHODS", fast)
    monkeypatch.setattr(sys, "argv", ["customers", str(tmp_path), "--train-on", str(tmp_path), *options])
    command.main()
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(fast) < set(report)
    assert {"seconds", "peak_mib", "cases"} < set(report)
    named = {"orders_total_error", "orders_mae", "orders_rmse", "orders_corr", "spend_spearman", "spend_gini"}
    assert named < set(report["mean_rate"])
    if options:
        of_months = [origin["methods"]["recency"]["orders_mae"] for origin in report["origins"]]
        assert len(of_months) == 3
        assert report["recency"]["orders_mae"] == pytest.approx(np.mean(of_months), abs=1e-3)


def test_ours_is_among_the_methods() -> None:
    assert set(command.METHODS) == {"ours", *BASELINES}
