"""An ablation leaves out what it names, and compares with the full engine on windows before the test windows."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.demand import __main__ as command
from benchmarks.demand.ablation import compared, left_out, parse_parts
from benchmarks.demand.data import ORIGINS, read_folder
from contracts.errors import InputError
from models.demand.model import METHODS, PARTS
from tests.benchmarks.demand.folders import HORIZON, weekly_rows, write_folder


def test_parts_groups_and_joined_parts_are_known() -> None:
    assert parse_parts("windows, mean+median") == ["windows", "mean+median"]
    assert set(PARTS) < set(parse_parts("each"))
    assert left_out("mean+median") == {"mean", "median"}
    with pytest.raises(InputError, match="names 'medians'; there are each"):
        parse_parts("mean+medians")


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


def test_a_mean_of_a_year_loses_where_demand_has_just_tripled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = weekly_rows(8)
    is_late = rows["date"] >= rows["date"].min() + pd.Timedelta(days=38)
    write_folder(tmp_path, rows.assign(units=rows["units"] * np.where(is_late, 3, 1)))
    only = {name: "+".join(other for other in METHODS if other != name) for name in ("short_window", "long_window")}
    arguments = ["demand", str(tmp_path), "--without", ",".join(only.values())]
    monkeypatch.setattr(sys, "argv", [*arguments, "--windows", "1", "--threads", "1"])
    command.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["without"]
    assert found["full"]["pinball"] == 1.0
    assert found[only["long_window"]]["pinball"] > 1.1 * found[only["short_window"]]["pinball"]
    assert 0 <= found["full"]["coverage_80_tied"] <= 1
