import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from contracts.errors import InputError
from shopkeeper.commands.simulate import simulate

RUN = CliRunner()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("SHOPKEEPER_HOME", str(tmp_path))
    app = typer.Typer()
    app.command()(simulate)
    return app


def test_json_tells_what_was_written_under_home(app: typer.Typer, tmp_path: Path) -> None:
    result = RUN.invoke(app, ["--customers", "40", "--items", "20", "--days", "30", "--seed", "3", "--json"])
    assert result.exit_code == 0
    written = json.loads(result.stdout)
    assert written["items"] == 20
    assert written["seed"] == 3
    path = Path(written["events_path"])
    assert path == tmp_path / "simulated" / "events.jsonl"
    assert path.read_bytes().count(b"\n") == written["events"] > 0


def test_text_names_the_files(app: typer.Typer, tmp_path: Path) -> None:
    result = RUN.invoke(app, ["--events", "500", "--days", "20", "--gzip", "--out", str(tmp_path / "shop")])
    assert result.exit_code == 0
    assert "events.jsonl.gz" in result.stdout
    assert (tmp_path / "shop" / "truth" / "customers.parquet").exists()


def last_day(folder: Path) -> str:
    lines = (folder / "events.jsonl").read_text().splitlines()
    return max(json.loads(line)["timestamp"] for line in lines)[:10]


def test_the_store_ends_yesterday_or_on_the_day_that_was_asked_for(app: typer.Typer, tmp_path: Path) -> None:
    few = ["--customers", "30", "--items", "20", "--days", "25"]
    before = datetime.now(UTC).date()
    assert RUN.invoke(app, [*few, "--out", str(tmp_path / "now")]).exit_code == 0
    ends = {str(day - timedelta(days=1)) for day in (before, datetime.now(UTC).date())}
    assert last_day(tmp_path / "now") in ends
    for name in ("one", "two"):
        assert RUN.invoke(app, [*few, "--until", "2025-03-31", "--out", str(tmp_path / name)]).exit_code == 0
    assert last_day(tmp_path / "one") == "2025-03-31"
    first, second = ((tmp_path / name / "events.jsonl").read_bytes() for name in ("one", "two"))
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--events", "100", "--customers", "5"], "both"),
        (["--events", "0"], "above 0"),
        (["--until", "yesterday"], "not a date"),
        (["--items", "2"], "must lie between"),
        (["--customers", "0"], "must lie between"),
    ],
)
def test_bad_options_are_explained(app: typer.Typer, arguments: list[str], message: str) -> None:
    result = RUN.invoke(app, arguments)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
