"""The figures on the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import NoBundle
from contracts.settings import load_settings
from shopkeeper.main import app
from tests.serving.shop import publish_shop

WIDE = {"COLUMNS": "200"}


def run(home: Path, *arguments: str, width: dict[str, str] = WIDE) -> str:
    done = CliRunner().invoke(app, ["kpis", *arguments], env=width | {"SHOPKEEPER_HOME": str(home)})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    publish_shop(load_settings(home=folder), "v1")
    return folder


def test_json_by_either_option(home: Path) -> None:
    answer = json.loads(run(home, "--json", "--by", "channel", "--months", "1"))
    assert (answer["bundle_version"], answer["lapse_days"], len(answer["rows"])) == ("v1", 60, 2)
    assert json.loads(run(home, "--format", "json", "--by", "channel", "--months", "1")) == answer


def test_csv(home: Path) -> None:
    lines = run(home, "--format", "csv", "--months", "2").splitlines()
    assert len(lines) == 3
    assert "repeat_rate" in lines[0]


def test_cohorts(home: Path) -> None:
    rows = json.loads(run(home, "--cohorts", "--json"))["rows"]
    assert rows[1]["retention"] == 0.25
    assert len(rows) == 5 + 4 + 3 + 2


def test_a_table_for_a_person(home: Path) -> None:
    text = run(home)
    assert "90%" in text  # nine of ten customers are repeat customers
    assert "2025-06*" in text
    assert "2025-05*" not in text
    assert "60 days" in text


def test_heads_and_numbers_are_whole_in_a_terminal_of_eighty_characters(home: Path) -> None:
    for options in ([], ["--by", "channel"], ["--cohorts"]):
        text = run(home, *options, width={"COLUMNS": "80"})
        assert "customers" in text
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 80
        last = "25%*" if "--cohorts" in options else "40"  # or churned value, the last column
        assert last in text.split("2025-05")[1].split()


def test_a_triangle_for_a_person(home: Path) -> None:
    text = run(home, "--cohorts")
    assert "25%" in text
    assert "25%*" in text
    assert "+4" in text


def test_a_bundle_without_orders_says_what_to_do(tmp_path: Path) -> None:
    publish_shop(load_settings(home=tmp_path), "v1", with_families=False)
    with pytest.raises(NoBundle, match=r"no figures.*shopkeeper ingest"):
        run(tmp_path)
