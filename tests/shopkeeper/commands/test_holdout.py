import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from contracts.errors import InputError
from contracts.settings import load_settings
from shopkeeper.commands.holdout import holdout
from tests.pipelines.wire import bought, consent, ingest_events, wire
from tests.serving.shop import CUSTOMERS, publish_shop

YES = consent(marketing=True)
app = typer.Typer()
app.command()(holdout)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOPKEEPER_HOME", str(tmp_path))
    said = [wire(f"w{number}", userId=f"c{number:03}", context=YES) for number in range(400)]
    formula = wire("f", userId="=cmd|' /C calc'!A0", context=YES)
    ordered = [bought(f"b{number}", f"c{number:03}", {"tea": 1.0}, at=1) for number in range(0, 400, 5)]
    ingest_events(tmp_path, *said, formula, *ordered)
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def drawn(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("spring", "--share", "0.25", *arguments, "--json"))
    return found


def test_the_file_names_who_to_contact_and_nobody_else() -> None:
    found = drawn()
    with Path(found["contact_file"]).open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["customer_id", "email"]
    assert len(rows) - 1 == found["contacted"]
    assert found["contacted"] + found["held_out"] == 401
    assert not any(row[0].startswith("=") for row in rows)
    assert datetime.fromisoformat(found["assigned_at"]).tzinfo is not None
    assert Path(found["assignments_file"]).is_file()


@pytest.mark.parametrize("form", ["csv", "klaviyo", "mailchimp"])
def test_the_file_can_be_imported(home: Path, form: str) -> None:
    known = [wire(f"e{n}", type="identify", userId=f"c{n:03}", context=YES, traits={"email": f"c{n}@example.org"})
             for n in range(9)]  # fmt: skip
    ingest_events(home, *known)
    with Path(drawn("--format", form)["contact_file"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    column = "email" if form == "csv" else "Email Address"
    addresses = {row[column] for row in rows} - {""}
    assert 0 < len(addresses) <= 9
    assert addresses <= {f"c{n}@example.org" for n in range(9)}


def test_halves_detect_a_smaller_change() -> None:
    found = drawn()
    assert 0 < found["smallest_lift_at_even_shares"] < found["smallest_lift"]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    found = drawn("--output", str(tmp_path / "mine.csv"))
    assert (tmp_path / "mine.csv").is_file()
    assert found["contact_file"] == str(tmp_path / "mine.csv")


def test_a_folder_that_is_not_there_is_said_before_anything_is_drawn(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        drawn("--output", str(tmp_path / "no" / "mine.csv"))
    assert not (home / "campaigns").exists()


def test_the_words_say_sizes_power_and_where() -> None:
    text = run("spring", "--share", "0.25")
    assert "control group" in text
    assert "percentage points" in text
    assert "--share 0.5" in " ".join(text.split())
    assert "spring-contact.csv" in text.replace("\n", "")
    assert "Assigned before, unchanged" in run("spring", "--share", "0.25")


def test_results_of_a_campaign_in_words_and_as_json() -> None:
    drawn()
    found = json.loads(run("spring", "--results", "--json"))
    assert found["lift"]["lift_low"] < 0 < found["lift"]["lift_high"]
    assert found["is_complete"] is False
    assert "Not final" in run("spring", "--results")


def test_conditions_are_those_of_the_customers_list(home: Path) -> None:
    ingest_events(home, *[wire(f"s{number}", userId=name, context=YES) for number, name in enumerate(CUSTOMERS)])
    publish_shop(load_settings(), "20250601T000000000Z")
    found = drawn("--where", "churn_band:eq:high")
    assert 0 < found["contacted"] + found["held_out"] < len(CUSTOMERS)
    with pytest.raises(InputError, match="no column"):
        run("autumn", "--where", "shoe_size:eq:42")


def test_help_has_an_example() -> None:
    assert "shopkeeper holdout win-back-march" in run("--help")
