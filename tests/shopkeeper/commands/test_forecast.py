"""`shopkeeper forecast --by`: the store as a whole, its categories, and one of them day by day."""

import csv
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from contracts import columns as c
from contracts.bundle import DEMAND_LEVEL_TOTALS_FILE, DEMAND_LEVELS_FILE, FORECAST_FILE
from contracts.errors import InputError, NoBundle
from contracts.settings import load_settings
from shopkeeper.main import app
from tests.bare_bundles import publish_tables
from tests.serving.shop import FORECAST_DAYS, FORMULA_NAME, forecast_table, publish_shop

WIDE = {"COLUMNS": "120"}
CATEGORIES = 23


def run(home: Path, *arguments: str, width: dict[str, str] = WIDE) -> str:
    done = CliRunner().invoke(app, ["forecast", *arguments], env=width | {"SHOPKEEPER_HOME": str(home)})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    publish_shop(load_settings(home=folder), "v1")
    return folder


def cells(text: str) -> list[list[str]]:
    """The table's body."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.partition("──\n")[2].splitlines() if "shown" not in line]


def test_categories_with_the_band_of_the_whole_horizon_and_those_that_sell_most_first(home: Path) -> None:
    text = run(home, "--by", "category")
    assert "Units, 5 days from 2025-06-01, bundle v1" in text
    assert cells(text) == [
        ["tea", "140", "138", "140", "142"],
        [FORMULA_NAME, "12.50", "10.50", "12.50", "14.50"],
    ]


@pytest.mark.parametrize(
    ("asked", "title", "first", "total"),
    [
        (["--by", "total"], "total, bundle v1", ["2025-06-01", "13.50", "14", "15.50", "14.50"], "152.50 units"),
        (
            ["--by", "category", "--name", "tea"],
            "tea, bundle v1",
            ["2025-06-01", "11", "11.50", "13", "12"],
            "140 units",
        ),
    ],
    ids=["total", "category"],
)
def test_one_node_day_by_day(home: Path, asked: list[str], title: str, first: list[str], total: str) -> None:
    text = run(home, *asked)
    assert title in text
    assert cells(text)[0] == first
    assert len(cells(text)) == FORECAST_DAYS
    assert f"{total} expected" in text
    assert "sold" not in text  # of levels no past is kept


def test_json_and_csv_hold_every_node_and_day(home: Path) -> None:
    answer = json.loads(run(home, "--by", "category", "--json"))
    assert (answer["bundle_version"], answer["by"], answer["known"]) == ("v1", "category", 2)
    assert answer["as_of"].startswith("2025-06-01")
    assert [len(row["days"]) for row in answer["rows"]] == [FORECAST_DAYS] * 2
    rows = list(csv.DictReader(io.StringIO(run(home, "--by", "category", "--csv"), newline="")))
    assert len(rows) == 2 * FORECAST_DAYS
    assert rows[-1]["name"] == "'" + FORMULA_NAME
    assert len(run(home, "--by", "category", "--name", "tea", "--csv").splitlines()) == 1 + FORECAST_DAYS


def test_help_has_an_example(home: Path) -> None:
    assert "shopkeeper forecast --by category" in run(home, "--help")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["tea-1", "--by", "total"], "--by total is not about the item 'tea-1'"),
        (["tea-1", "--csv"], "--csv is for --by and for the buying list"),
        (["--name", "tea"], "'tea' needs --by"),
        (["--by", "channel"], "those by total, category"),
        (["--by", "category", "--name", "coffee"], "no forecast of the category 'coffee'; there are 'tea'"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_answered_says_why(home: Path, asked: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(home, *asked)


def test_a_bundle_without_levels_says_what_to_do(tmp_path: Path) -> None:
    publish_tables(tmp_path, {FORECAST_FILE: forecast_table()})
    with pytest.raises(NoBundle, match=r"forecasts items only.*shopkeeper train demand"):
        run(tmp_path, "--by", "total")
    publish_shop(load_settings(home=tmp_path), "v2", with_families=False)
    with pytest.raises(NoBundle, match=r"no demand forecast.*shopkeeper train demand"):
        run(tmp_path, "--by", "total")


def test_a_terminal_shows_the_first_categories_by_week_and_runs_nothing(tmp_path: Path) -> None:
    names = ["\x1b[2J[red]x", *(f"category {number}" for number in range(1, CATEGORIES))]
    units = {name: [1.5] * CATEGORIES for name in (c.UNITS_LOW, c.UNITS_MEDIAN, c.UNITS_HIGH, c.UNITS_MEAN)}
    nodes = {c.LEVEL: ["category"] * CATEGORIES, c.NODE_NAME: names}
    weeks = [date(2025, 6, 2), date(2025, 6, 2) + timedelta(days=7)] * CATEGORIES
    days = {name: [value for value in values for _ in range(2)] for name, values in (nodes | units).items()}
    publish_tables(
        tmp_path,
        {
            FORECAST_FILE: forecast_table(),
            DEMAND_LEVELS_FILE: pa.table(
                {name: (days | {c.DATE: weeks})[name] for name in c.LEVEL_FORECAST.names}, schema=c.LEVEL_FORECAST
            ),
            DEMAND_LEVEL_TOTALS_FILE: pa.table(nodes | units, schema=c.LEVEL_TOTALS),
        },
    )
    text = run(tmp_path, "--by", "category", width={"COLUMNS": "60"})
    assert len(cells(text)) == 20
    assert "The first 20 of 23 are shown" in text
    assert "2 weeks from 2025-06-02" in text
    assert "�[2J[red]x" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60
