import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.demand import __main__ as command
from benchmarks.demand.data import read_folder
from benchmarks.demand.method import METHODS, OURS, judged, load
from contracts.errors import InputError
from tests.benchmarks.demand.folders import HORIZON, weekly_rows, write_folder

RIVALS = [name for name in METHODS if name != OURS]
NAMED = {"wape", "rmspe", "rmsse", "pinball", "coverage_80", "seconds", "peak_mib", "classes", "origins"}


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_answers_within_bounds_and_sees_nothing_of_the_horizon(tmp_path: Path, name: str) -> None:
    rows, method = weekly_rows(), load(name)
    changed = rows.copy()
    is_last = changed["date"] > changed["date"].max() - pd.Timedelta(days=HORIZON)
    changed.loc[is_last, "units"] = 999
    answers = []
    for number, given in enumerate((rows, changed)):
        *_, last = read_folder(write_folder(tmp_path / str(number), given)).origins()
        answers.append(method(last, 7, 1))
    assert np.array_equal(answers[0].mean, answers[1].mean)
    assert np.array_equal(answers[0].quantiles, answers[1].quantiles)
    assert (answers[0].quantiles >= 0).all()
    assert (np.diff(answers[0].quantiles, axis=-1) >= 0).all()


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_copes_with_short_and_empty_series(tmp_path: Path, name: str) -> None:
    rows = weekly_rows(5)
    day = (rows["date"] - rows["date"].min()).dt.days
    rows["units"] = rows["units"].where(rows["series_id"] != "s1", 0)
    first = rows["series_id"].map({"s2": 57, "s3": 55}).fillna(0)
    rows = rows[day >= first]
    for origin in read_folder(write_folder(tmp_path, rows)).origins(3):
        answer = load(name)(origin, 7, 1)
        assert np.isfinite(answer.mean).all()
        assert np.isfinite(answer.quantiles).all()
        assert not answer.mean[1].any()


@pytest.mark.parametrize(("frequency", "step", "season"), [("W-FRI", "W-FRI", 52), ("MS", "MS", 12)])
@pytest.mark.parametrize("name", ["seasonal_naive", "mlforecast_lightgbm"])
def test_weeks_and_months_have_a_year_as_their_season(
    tmp_path: Path, name: str, frequency: str, step: str, season: int
) -> None:
    dates = pd.date_range("2019-01-04", periods=4 * season, freq=step)
    units = 20 + 10 * np.cos(2 * np.pi * np.arange(len(dates)) / season)
    rows = pd.concat(
        pd.DataFrame({"series_id": f"s{number}", "date": dates, "units": number * units, "promo": 0})
        for number in (1, 2, 3)
    )
    *_, last = read_folder(write_folder(tmp_path, rows, frequency=frequency, horizon=3)).origins()
    answer = load(name)(last, 7, 1)
    if name == "seasonal_naive":
        assert np.allclose(answer.mean, last.actual, rtol=1e-5)
    assert (
        np.abs(answer.mean - last.actual).sum()
        < 0.5 * np.abs(last.actual - last.past.units[:, -season // 2, None]).sum()
    )


def test_seasonal_naive_repeats_the_week_and_covariates_reach_lightgbm(tmp_path: Path) -> None:
    rows = weekly_rows(30, days=150)
    data = read_folder(write_folder(tmp_path, rows))
    naive = judged(data, load("seasonal_naive"), 1, 1, "seasonal_naive")
    *_, last = data.origins()
    assert np.array_equal(load("seasonal_naive")(last, 7, 1).mean, last.past.units[:, -HORIZON:])
    told = judged(data, load("mlforecast_lightgbm"), 1, 1, "told")
    untold = judged(
        read_folder(write_folder(tmp_path, rows, known_future=[])), load("mlforecast_lightgbm"), 1, 1, "not"
    )
    assert told["wape"] < 0.5 * untold["wape"]
    assert told["wape"] < 0.5 * naive["wape"]


def test_the_last_line_is_one_json_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, weekly_rows(), score_only_where="open == 1")
    monkeypatch.setattr(sys, "argv", ["demand", str(tmp_path), "--methods", "tsb,seasonal_naive", "--threads", "1"])
    command.main()
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(report["methods"]) == ["seasonal_naive", "tsb"]
    assert {"data", "share_below_best"} < set(report)
    for found in report["methods"].values():
        assert set(found) > NAMED
        assert len(found["origins"]) == 3
        assert found["wape"] == pytest.approx(np.mean([origin["wape"] for origin in found["origins"]]), abs=1e-3)
        assert found["cells"] == 3 * 4 * 6
        assert found["classes"]["smooth"]["coverage_80"] == pytest.approx(found["coverage_80"])
        assert found["peak_mib"] > 50


def test_a_method_that_fails_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    options = Namespace(folder=tmp_path, threads=1, minimum_sales=20, horizon=None)
    assert command.run(options, "tsb", []) == {"error": "exit code 1"}
    found: dict[str, dict[str, Any]] = {"ours": {"wape": 0.18}, "tsb": {"error": "exit code 1"}, "ets": {"wape": 0.2}}
    assert command.share_below_best(found) == {"wape": {"share": pytest.approx(0.1), "best": "ets", "of_best": 0.2}}
    assert command.share_below_best({"ets": {"wape": 0.2}}) == {}


def test_time_is_compared_across_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: Namespace, name: str, further: list[str]) -> dict[str, float]:
        return {"seconds": float(further[1]) ** 2, "peak_mib": 100}

    monkeypatch.setattr(command, "run", run)
    found = command.scaled(Namespace(), 5)
    assert [step["series"] for step in found["steps"]] == [5, 15, 50]
    assert found["growth"] == pytest.approx(2)


def test_unknown_methods_are_refused() -> None:
    assert command.chosen_methods("tsb, ours,seasonal_naive") == ["seasonal_naive", "tsb", "ours"]
    with pytest.raises(InputError, match="names prophet; there are zero, own_recent"):
        command.chosen_methods("tsb,prophet")
