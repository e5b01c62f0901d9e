"""`shopkeeper train | evaluate`: each family's metrics beside its baseline's, and why one was skipped."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from contracts.bundle import Verdict
from contracts.errors import InputError
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.family import Backtest
from pipelines.training.train import Outcome
from shopkeeper.commands.train import evaluate, report, train
from tests.pipelines.wire import ingest_events, wire

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
PAIRED = PairedCases.of_own_units(np.ones(1234), np.zeros(1234))
BACKTEST = Backtest(MOMENT, MOMENT, 1234, {"auc": 0.8, "ece": None}, {"auc": 0.75}, PAIRED)
OUTCOMES = [
    Outcome("churn", "recency alone", 2.5, BACKTEST, Verdict("better", "model", "clearly better", 0.05, 0.01, 0.09)),
    Outcome(
        "value", "mean rate", 1.0, BACKTEST, Verdict("worse", None, "clearly worse"), kept="The one of May is kept."
    ),
    Outcome("recommend", "popular", 0.1, None, Verdict("too_few", "baseline", "too few cases to judge")),
    Outcome("demand", "seasonal naive", 0.1, skipped="demand needs 56 days."),
    Outcome("uplift", "nothing", 0.1, failed="OverflowError: cannot convert float infinity to integer"),
]


def test_a_family_stands_beside_its_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    report(OUTCOMES, {}, as_json=False)
    shown = capsys.readouterr().out
    assert "1,234 cases" in shown
    assert "0.800" in shown
    assert "0.750" in shown
    assert "0.5: chance" in shown
    assert "churn: clearly better. 2.5 s." in shown
    assert "recommend: too few cases to judge." in shown
    assert "passed" not in shown
    assert "The one of May is kept." in shown
    assert "demand: skipped. demand needs 56 days." in shown
    assert "uplift: failed. OverflowError: cannot convert" in shown


def test_json_has_a_row_per_family(capsys: pytest.CaptureFixture[str]) -> None:
    report(OUTCOMES, {"churn: backtest": 2.5}, as_json=True)
    found = json.loads(capsys.readouterr().out)
    churn, value, recommend, demand, cursed = found["families"]
    assert (churn["metrics"]["auc"], churn["baseline_metrics"]["auc"]) == (0.8, 0.75)
    assert (churn["verdict"], churn["answered_by"], churn["gain"]) == ("better", "model", [0.05, 0.01, 0.09])
    assert (recommend["verdict"], recommend["answered_by"]) == ("too_few", "baseline")
    assert demand["skipped"] == "demand needs 56 days."
    assert "verdict" not in demand
    assert (value["answered_by"], value["kept"]) == (None, "The one of May is kept.")
    assert cursed["failed"].startswith("OverflowError")
    assert "verdict" not in cursed
    assert found["seconds"] == {"churn: backtest": 2.5}


def test_a_family_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", userId="ann"))
    app = typer.Typer()
    app.command()(evaluate)
    with pytest.raises(InputError, match=r"'chrun' does not exist; families are .*churn"):
        CliRunner().invoke(app, ["chrun"], env={"SHOPKEEPER_HOME": str(tmp_path)}, catch_exceptions=False)


@pytest.mark.parametrize(("outcomes", "status"), [(OUTCOMES[:4], 0), (OUTCOMES, 1)])
def test_the_status_tells_that_a_family_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcomes: list[Outcome], status: int
) -> None:
    monkeypatch.setattr("pipelines.training.train.train", lambda *_: outcomes)
    app = typer.Typer()
    app.command()(train)
    assert CliRunner().invoke(app, [], env={"SHOPKEEPER_HOME": str(tmp_path)}).exit_code == status
