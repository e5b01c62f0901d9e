"""An ablation leaves out what it names, and compares with the full engine on windows before the test windows."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.demand import __main__ as command
from benchmarks.demand.ablation import compared, left_out, parse_parts
from benchmarks.demand.data import ORIGINS, read_folder
from contracts.errors import InputError
from models.demand.model import PARTS
from tests.benchmarks.demand.folders import HORIZON, weekly_rows, write_folder


def test_parts_and_joined_parts_are_known() -> None:
    assert parse_parts("regression, trees+log_trees") == ["regression", "trees+log_trees"]
    assert parse_parts("each") == list(PARTS)
    assert left_out("trees+log_trees") == {"trees", "log_trees"}
    with pytest.raises(InputError, match="names forests; there are each"):
        parse_parts("trees+forests")


def test_tuning_windows_end_where_the_test_windows_begin(tmp_path: Path) -> None:
    data = read_folder(write_folder(tmp_path, weekly_rows()))
    tuning, test = list(data.tuning_origins(2)), list(data.origins())
    assert [origin.past.periods for origin in tuning] == [80 - 5 * HORIZON, 80 - 4 * HORIZON]
    assert tuning[-1].past.periods + HORIZON == test[0].past.periods
    with pytest.raises(InputError, match=f"{ORIGINS + 20} horizons"):
        list(data.tuning_origins(20))


def test_losses_are_ratios_and_coverage_is_not() -> None:
    full = {"pinball": 2.0, "rmsse": None, "coverage_80_tied": 0.8, "bias": 0.1, "classes": {"smooth": {"series": 0}}}
    found = compared(full | {"pinball": 2.5, "coverage_80_tied": 0.7}, full)
    assert found["pinball"] == 1.25
    assert found["coverage_80_tied"] == 0.7
    assert "rmsse" not in found
    assert not found["coverage_80_tied_by_class"]


def test_the_regression_that_follows_a_trend_gains_where_demand_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = weekly_rows(8)
    growth = np.exp(0.02 * (rows["date"] - rows["date"].min()).dt.days)
    write_folder(tmp_path, rows.assign(units=rows["units"] * growth))
    arguments = ["demand", str(tmp_path), "--without", "regression,row_features", "--windows", "1", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    command.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["without"]
    assert found["full"]["pinball"] > 0  # as it is; the others are ratios
    assert found["regression"]["pinball"] > 1.1
    assert found["row_features"]["rmsse"] == 1
